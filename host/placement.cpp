#include "host/placement.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "host/samplers.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/device_ensemble.hpp"

namespace lockstep {

namespace {

// Observations that the slices of one chain can share: those of the longest plate. Of a matrix they share rows.
std::int64_t most_elements(const LayoutView& layout) {
  std::int64_t most = 0;
  for (std::int64_t i = 0; i < layout.site_count; ++i) {
    const SiteView& site = layout.sites[i];
    if (site.kind != SiteKind::observed) continue;
    most = std::max(most, site.rank == 2 ? std::min<std::int64_t>(site.events, layout.dims[site.dims[0]].size) : site.events);
  }
  return most;
}

// The design matrices are found by binding the model once more, where the host's memory is good enough.
GeometryNeeds needs_of(const HostModel& model, const DeviceModelTable& table, const Sampler& sampler) {
  GeometryNeeds needs{model.coordinates(), most_elements(model.layout()), 0, 0, sampler.machine.fuses_with_models};
  ErrorMessage error;
  const std::unique_ptr<void, void (*)(void*)> bound(table.create(&model.data(), nullptr, &error.sink), table.destroy);
  if (!bound) throw DataError(error.text);
  StagedSite sites[most_staged_sites];
  const int count = table.staged_sites(bound.get(), model.coordinates(), int(model.layout().scratch), sites, most_staged_sites);
  for (int s = 0; s < std::min(count, most_staged_sites); ++s) {
    needs.predictors += sites[s].rows;
    needs.products += std::int64_t(sites[s].rows) * sites[s].columns;
  }
  return needs;
}

}  // namespace

const char* precision_text(Precision precision) {
  return precision == Precision::fp64 ? "double" : precision == Precision::mixed ? "mixed" : "tf32";
}

std::optional<Precision> precision_named(const std::string& text) {
  for (const Precision each : {Precision::fp64, Precision::mixed, Precision::tf32})
    if (text == precision_text(each)) return each;
  return std::nullopt;
}

Devices choose_devices(const ModelTable& table, const Data& data, const SampleOptions& options) {
  if (!data.actions().empty()) {
    if (options.processor == Processor::cuda)
      throw SampleError("Sites are done or observed, and the run is to be on a GPU (its kernels know no such sites). Run on the CPU.");
    return {};
  }
  const auto has_nan = [](const auto& field) {
    return std::any_of(field.second.values.begin(), field.second.values.end(), [](double v) { return std::isnan(v); });
  };
  if (std::any_of(data.fields().begin(), data.fields().end(), has_nan) && HostModel(table, data).layout().has_missing) {
    if (options.processor == Processor::cuda)
      throw SampleError("Data are missing, and the run is to be on a GPU (its kernels impute nothing). Run on the CPU.");
    return {};
  }
  // The first look at a GPU takes a while: not if the model could not run on it anyway.
  if (options.processor == Processor::cpu || (options.processor == Processor::automatic && !table.cuda)) return {};
  const CudaStatus status = cuda_status();
  if (options.processor == Processor::automatic && !status.unavailable.empty()) return {};
  if (!status.unavailable.empty())
    throw SampleError(fmt::format("There is no GPU to run on: {}. Or run on the CPU.", status.unavailable));
  if (!table.cuda) throw SampleError("This model was not compiled for a GPU (it is a table of functions for the CPU only). Run it on the CPU.");
  if (table.cuda->mixed != in_singles(options.precision))
    throw SampleError("This model was compiled for a GPU in another precision than is asked for (it is a table of functions in one of "
                      "them). Compile it for that.");
  Devices devices{table.cuda, {}};
  std::vector<int> numbers = options.gpus;
  if (numbers.empty()) {
    numbers.resize(status.devices.size());
    std::iota(numbers.begin(), numbers.end(), 0);
  }
  for (int number : numbers) devices.open.push_back(open_cuda_device(number));
  return devices;
}

namespace {
KernelResources resources_of(const DeviceModelTable& table) {
  ErrorMessage error;
  KernelResources resources;
  if (!table.resources(&resources, &error.sink)) throw DeviceError(error.text);
  return resources;
}
}  // namespace

std::string choose_teams(const HostModel& model, int chains, const SampleOptions& options, const Devices& devices) {
  if (devices.open.empty()) return "";
  if (options.geometry != "auto") return geometry_text(parse_geometry(options.geometry));
  const GeometryNeeds needs = needs_of(model, *devices.table, *find_sampler(options.sampler));
  return geometry_text(choose_geometry(devices.open.front()->info(), resources_of(*devices.table),
                                       (chains - 1) / int(devices.open.size()) + 1, needs));
}

std::unique_ptr<Ensemble> make_ensemble(const HostModel& model, const RunPlan& plan, const SampleOptions& options, Devices devices) {
  const Machine& machine = find_sampler(options.sampler)->machine;
  SamplerSettings shared;
  shared.max_depth = options.max_depth;
  shared.target_acceptance = target_acceptance(options);
  if (devices.open.empty()) {
    if (options.precision == Precision::tf32)
      throw SampleError("precision is tf32 (matrix products by a GPU's tensor cores, and the run is on the CPU). Ask for mixed.");
    return machine.on_cpu(model.table(), model.handle(), plan.chains, options.seed, shared, options.threads,
                          options.precision == Precision::mixed, plan.slices);
  }
  DeviceSettings settings;
  settings.sampler = shared;
  settings.scratch = model.layout().scratch;
  settings.tf32 = options.precision == Precision::tf32;
  settings.geometry = parse_geometry(plan.teams);
  require_fits(settings.geometry, devices.open.front()->info(), resources_of(*devices.table), model.coordinates());
  return machine.on_devices(std::move(devices.open), *devices.table, model.data(), plan.chains, model.coordinates(), options.seed,
                            settings);
}

}  // namespace lockstep
