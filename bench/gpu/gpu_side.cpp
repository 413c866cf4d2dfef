// Lockstep's half of bench/gpu; measure.py calls it. Every answer is one line of JSON.
//
//   gpu_side describe SUBJECT                                     parameters in the order of their coordinates, rows,
//   columns gpu_side data SUBJECT FOLDER                                  the data, FOLDER/FIELD.npy gpu_side density
//   SUBJECT                                      points on stdin, one a line -> log density, then gradient gpu_side run
//   SUBJECT DEVICE CHAINS DRAWS SEED SECONDS         a run as a user makes it, by the public interface gpu_side rate
//   SUBJECT DEVICE CHAINS SECONDS                   gradients of warm chains, nobody taking their draws gpu_side ess
//   FILE ELEMENTS CHAINS DRAWS                       of draws in FILE: doubles, [element][chain][draw]
//
// SUBJECT: a model of the zoo on its example data, or logistic_ROWSxCOLUMNS on simulated data. DEVICE: cpu or cuda (the
// first GPU), in doubles, or as cuda:mixed in another precision.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "bench/simulated_data.hpp"
#include "host/diagnostics.hpp"
#include "host/host_model.hpp"
#include "host/placement.hpp"
#include "host/starts.hpp"
#include "host/warmup.hpp"
#include "kernels/cuda/devices.hpp"
#include "lockstep/sample.hpp"

namespace {

using namespace lockstep;
using nlohmann::json;

constexpr int most_warmup = 300;  // draws a chain: one chain alone never knows that it has settled

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Subject {
  std::string name;
  const ZooModel* model = nullptr;
  Data data;
  int rows = 0, columns = 0;  // of simulated data

  explicit Subject(const std::string& text) : name(text) {
    if (std::sscanf(text.c_str(), "logistic_%dx%d", &rows, &columns) == 2) {
      model = find_zoo_model("logistic_regression");
      data = simulated_logistic(rows, columns);
    } else {
      model = find_zoo_model(text);
      if (!model) throw std::runtime_error("there is no model '" + text + "' (see: lockstep models)");
      data = example_data(*model);
    }
  }
  ModelTable table(Precision precision = Precision::fp64) const {
    ModelTable with_gpu = *model->table();
    with_gpu.cuda = cuda_zoo_table(model->name, in_singles(precision));
    return with_gpu;
  }
};

std::vector<std::string> parameters_of(const HostModel& model) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < model.layout().site_count; ++i)
    if (model.layout().sites[i].kind == SiteKind::parameter) names.push_back(model.layout().sites[i].name);
  return names;
}

json describe(const Subject& subject) {
  const HostModel model(subject.table(), subject.data);
  json parameters = json::array();
  for (std::int64_t i = 0; i < model.layout().site_count; ++i)
    if (const SiteView& site = model.layout().sites[i]; site.kind == SiteKind::parameter)
      parameters.push_back({{"name", site.name}, {"size", site.size}, {"scalar", site.rank == 0}});
  return {{"coordinates", model.coordinates()},
          {"parameters", parameters},
          {"rows", subject.rows},
          {"columns", subject.columns}};
}

// NumPy's format, version 1.0.
json write_data(const Subject& subject, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (const auto& [name, field] : subject.data.fields()) {
    std::string shape;
    for (const std::int64_t extent : field.shape) shape += std::to_string(extent) + ",";
    std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (" + shape + "), }";
    header.append(63 - (10 + header.size()) % 64, ' ').push_back('\n');
    std::ofstream file(folder / (name + ".npy"), std::ios::binary);
    file.write("\x93NUMPY\x01\x00", 8);
    const char length[2] = {char(header.size() & 255), char(header.size() >> 8)};
    file.write(length, 2);
    file << header;
    file.write(reinterpret_cast<const char*>(field.values.data()),
               std::streamsize(field.values.size() * sizeof(double)));
    file.close();
    if (!file) throw std::runtime_error("could not write all of " + (folder / name).string());
  }
  return {{"folder", folder.string()}};
}

json densities(const Subject& subject) {
  const HostModel model(subject.table(), subject.data);
  std::vector<double> gradient(static_cast<std::size_t>(model.coordinates()));
  json all = json::array();
  for (std::string line; std::getline(std::cin, line);) {
    const std::vector<double> point = json::parse(line).get<std::vector<double>>();
    if (point.size() != gradient.size())
      throw std::runtime_error("a point has another number of coordinates than the model");
    const double lp = model.log_density(point.data(), gradient.data());
    all.push_back({{"log_density", lp}, {"gradient", gradient}});
  }
  return all;
}

// The smallest bulk ESS, and the largest R-hat, of scalars on all cores.
json diagnosed(const std::vector<ChainView>& scalars) {
  std::vector<Diagnosis> found(scalars.size());
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t)
      threads.emplace_back([&] {
        Diagnoser diagnose;
        for (std::size_t i; (i = next++) < scalars.size();) found[i] = diagnose(scalars[i]);
      });
  }
  double ess = HUGE_VAL, r_hat = 0, tau = 0;
  for (const Diagnosis& each : found) {
    if (!(each.ess_bulk >= ess)) ess = each.ess_bulk;  // a NaN shows
    r_hat = std::fmax(r_hat, each.r_hat);
    tau = std::fmax(tau, each.tau);
  }
  return {{"ess", ess}, {"r_hat", r_hat}, {"tau", tau}};
}

SampleOptions options_for(const std::string& text, int chains) {
  SampleOptions options;
  const std::string precision = text.find(':') == std::string::npos ? "double" : text.substr(text.find(':') + 1);
  const std::string device = text.substr(0, text.find(':'));
  if (device != "cpu" && device != "cuda") throw std::runtime_error("the device is '" + device + "' (cpu or cuda)");
  if (!precision_named(precision)) throw std::runtime_error("there is no precision '" + precision + "'");
  options.precision = *precision_named(precision);
  options.processor = device == "cuda" ? Processor::cuda : Processor::cpu;
  if (device == "cuda") options.gpus = {0};
  options.chains = chains;
  options.warmup_cap = most_warmup;
  return options;
}

// `seconds`: after so many it is stopped, and the draws that there are count.
json one_run(const Subject& subject, const ModelTable& table, SampleOptions options, double seconds) {
  const auto start = std::chrono::steady_clock::now();
  options.cancel = [&] { return seconds_since(start) > seconds; };
  // The last report of a phase comes at its end.
  double warmup_ended = 0, ended = 0;
  options.progress = [&](const Progress& progress) { (progress.warmup ? warmup_ended : ended) = seconds_since(start); };
  const Fit fit = sample(table, subject.data, options);
  const double wall = seconds_since(start);
  if (fit.stopped_early()) ended = wall;

  const auto number = [&](const char* name) { return std::get<double>(fit.attributes.at(name)); };
  const auto total = [&](const char* name) {
    const std::vector<double>& values = fit.variable("sample_stats", name).values;
    return std::accumulate(values.begin(), values.end(), 0.);
  };
  std::vector<ChainView> scalars;
  for (const Variable& variable : fit.group("posterior").variables)
    for (std::size_t e = 0; e < variable.size(); ++e) scalars.push_back(element_view(fit, variable, e));
  json result = diagnosed(scalars);
  result.update({{"seconds", wall},
                 {"warmup_seconds", warmup_ended},
                 {"sampling_seconds", ended - warmup_ended},
                 {"chains", fit.chains},
                 {"draws", fit.draws},
                 {"warmup", number("tuning_steps")},
                 {"gradients", number("gradients")},
                 {"steps", total("n_steps")},
                 {"divergences", total("diverging")},
                 {"stuck", number("stuck_chains")},
                 {"stopped_early", fit.stopped_early()},
                 {"geometry", std::get<std::string>(fit.attributes.at("geometry"))}});
  if (in_singles(options.precision)) result["log_density_error"] = number("log_density_error");
  return result;
}

// A run that is over soon is repeated, up to five times with other seeds: that of the median time. The GPU's first use
// (context, code, its first buffers) is made and timed before.
json run(const Subject& subject, const std::string& device, int chains, int draws, std::uint64_t seed, double seconds) {
  SampleOptions options = options_for(device, chains);
  const ModelTable table = subject.table(options.precision);
  options.keep = parameters_of(HostModel(table, subject.data));
  auto start = std::chrono::steady_clock::now();
  {
    SampleOptions first_use = options;
    first_use.chains = std::min(chains, 32);
    first_use.warmup = 1;
    first_use.draws = 1;
    sample(table, subject.data, first_use);
  }
  const double first_use_seconds = seconds_since(start);

  options.draws = draws;
  std::vector<json> runs;
  start = std::chrono::steady_clock::now();
  while (runs.empty() || (runs.size() < 5 && seconds_since(start) < 2)) {
    options.seed = seed + runs.size();
    runs.push_back(one_run(subject, table, options, seconds));
  }
  std::sort(runs.begin(), runs.end(), [](const json& a, const json& b) { return a["seconds"] < b["seconds"]; });
  json result = runs[(runs.size() - 1) / 2];
  result.update({{"runs", runs.size()}, {"first_use_seconds", first_use_seconds}});
  return result;
}

json rate(const Subject& subject, const std::string& device, int chains, double seconds) {
  const SampleOptions options = options_for(device, chains);
  const ModelTable table = subject.table(options.precision);
  const HostModel model(table, subject.data, in_singles(options.precision));
  Devices devices = choose_devices(table, subject.data, options);
  RunPlan plan;
  plan.chains = chains;
  plan.teams = choose_teams(model, chains, options, devices);
  const std::unique_ptr<Ensemble> ensemble = make_ensemble(model, plan, options, std::move(devices));
  const Starts starts(model, InitUniform{}, options.seed);
  const int superchains = std::min(16, chains);
  std::vector<double> positions;
  std::vector<int> superchain;
  for (int c = 0; c < chains; ++c) {
    superchain.push_back(c % superchains);
    const std::vector<double> point = starts(std::uint32_t(c % superchains));
    positions.insert(positions.end(), point.begin(), point.end());
  }
  ensemble->place(positions, std::vector<char>(std::size_t(chains), 1));
  const WarmupSettings settings{-1, most_warmup, options.max_depth};
  const WarmupResult warmup =
      warm_up(*ensemble, superchain, settings, [&](int c) { return starts(std::uint32_t(superchains + c)); });

  // Steps are counted in about a thousand chains: the device must not wait for the counting.
  const int stride = std::max(1, chains / 1024);
  // Of goes that are longer each time, the figures of the last, which is long enough.
  double went = 0, gradients = 0, steps = 0;
  int first = warmup.draws, made = 0;
  for (int draws = 32; went < seconds; draws *= 2) {
    const double before = ensemble->gradients_done();
    const auto start = std::chrono::steady_clock::now();
    steps = 0;
    made = ensemble->sample(first, draws, 16, warmup.tuning, [&](const DrawBlock& block, int, int count) {
      for (int c = 0; c < chains; c += stride)
        for (int d = 0; d < count; ++d)
          steps += block.statistic(c, d, DrawStatistic::n_steps) * std::min(stride, chains - c);
      return true;
    });
    went = seconds_since(start);
    gradients = ensemble->gradients_done() - before;
    first += made;
  }
  return {{"seconds", went},
          {"steps", steps},
          {"gradients", gradients},
          {"draws", made},
          {"steps_per_draw", steps / chains / made},
          {"chains", chains},
          {"coordinates", model.coordinates()},
          {"geometry", ensemble->geometry()}};
}

json ess(const char* file_name, std::size_t elements, std::size_t chains, std::size_t draws) {
  std::vector<double> values(elements * chains * draws);
  std::ifstream file(file_name, std::ios::binary);
  file.read(reinterpret_cast<char*>(values.data()), std::streamsize(values.size() * sizeof(double)));
  if (!file || file.peek() != std::ifstream::traits_type::eof())
    throw std::runtime_error(std::string(file_name) +
                             " has another size than these numbers of elements, chains and draws");
  std::vector<ChainView> scalars;
  for (std::size_t e = 0; e < elements; ++e)
    scalars.push_back({values.data() + e * chains * draws, chains, draws, draws, 1});
  return diagnosed(scalars);
}

json answer(const std::vector<std::string>& words) {
  const auto is = [&](const char* command, std::size_t count) { return words.size() == count && words[0] == command; };
  if (is("describe", 2)) return describe(Subject(words[1]));
  if (is("data", 3)) return write_data(Subject(words[1]), words[2]);
  if (is("density", 2)) return densities(Subject(words[1]));
  if (is("run", 7))
    return run(Subject(words[1]), words[2], std::stoi(words[3]), std::stoi(words[4]), std::stoull(words[5]),
               std::stod(words[6]));
  if (is("rate", 5)) return rate(Subject(words[1]), words[2], std::stoi(words[3]), std::stod(words[4]));
  if (is("ess", 5)) return ess(words[1].c_str(), std::stoull(words[2]), std::stoull(words[3]), std::stoull(words[4]));
  throw std::runtime_error("usage: see the head of gpu_side.cpp");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::cout << answer({argv + 1, argv + argc}).dump() << std::endl;
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpu_side: %s\n", error.what());
    return 1;
  }
}
