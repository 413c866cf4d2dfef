#include "host/host_model.hpp"

#include <cmath>

#include <fmt/format.h>

namespace lockstep {

namespace {
// A matrix along one dimension twice: readers want two names.
std::string second_axis(const std::string& dim) { return dim + "_bis"; }
}  // namespace

HostModel::HostModel(const ModelTable& table, const Data& data, bool singles) : table_(table), views_(data, singles) {
  if (table.size != sizeof(ModelTable) || table.pack_width != pack_width)
    throw ModelError(fmt::format("The model was compiled for {} lanes and the library for {} (or for another version of it; the two "
                                 "must agree). Compile both with the same flags: find_package(lockstep) brings them.",
                                 table.pack_width, pack_width));
  ErrorMessage message;
  handle_ = table.create(&views_.view(), &message.sink);
  if (!handle_) throw DataError(message.text);
  scratch_.resize(std::size_t(layout().scratch) + std::size_t(layout().coordinates) + 1);
}

HostModel::~HostModel() { table_.destroy(handle_); }

double HostModel::log_density(const double* position, double* gradient, std::int64_t data_column) const {
  double log_density = 0;
  double* scratch = scratch_.data() + layout().coordinates;
  table_.oracle(handle_, position, &log_density, gradient ? gradient : scratch_.data(), scratch, data_column);
  return log_density;
}

void HostModel::generate(const GenerateRequest& request) const {
  ErrorMessage message;
  if (!table_.generate(handle_, &request, &message.sink)) throw ModelError(message.text);
}

std::size_t HostModel::values(Meaning meaning) const {
  const bool observed = meaning == Meaning::predict || meaning == Meaning::pointwise;
  std::size_t count = 0;
  for (std::int64_t i = 0; i < layout().site_count; ++i) {
    const SiteView& site = layout().sites[i];
    if ((site.kind != SiteKind::observed) == observed) continue;
    if (meaning == Meaning::log_prior && site.kind != SiteKind::parameter) continue;
    count += std::size_t(meaning == Meaning::pointwise || meaning == Meaning::log_prior ? site.events : site.size);
  }
  return count;
}

std::vector<double> HostModel::generate(Meaning meaning, const std::vector<double>& position) const {
  std::vector<double> out(values(meaning));
  GenerateRequest request{};
  request.meaning = meaning;
  request.position = position.data();
  request.out = out.data();
  generate(request);
  return out;
}

std::optional<ImpossibleEvent> HostModel::first_impossible(Meaning meaning, const std::vector<double>& position) const {
  const std::vector<double> log_densities = generate(meaning, position);
  auto next = log_densities.begin();
  for (std::int64_t i = 0; i < layout().site_count; ++i) {
    const SiteView& site = layout().sites[i];
    if (site.kind != (meaning == Meaning::pointwise ? SiteKind::observed : SiteKind::parameter)) continue;
    for (std::int32_t event = 0; event < site.events; ++event, ++next)
      if (!std::isfinite(*next)) return ImpossibleEvent{site.name, event + 1, *next};
  }
  return std::nullopt;
}

std::vector<Dimension> HostModel::dimensions() const {
  std::vector<Dimension> dimensions;
  std::vector<char> is_square(std::size_t(layout().dim_count), 0);
  for (std::int64_t i = 0; i < layout().site_count; ++i) {
    const SiteView& site = layout().sites[i];
    if (site.rank == 2 && site.dims[0] == site.dims[1]) is_square[std::size_t(site.dims[0])] = 1;
  }
  for (std::int64_t i = 0; i < layout().dim_count; ++i) {
    const DimView& view = layout().dims[i];
    Dimension dimension{view.name, std::size_t(view.size), {}};
    if (view.labels) dimension.labels.assign(view.labels, view.labels + view.size);
    dimensions.push_back(dimension);
    if (!is_square[std::size_t(i)]) continue;
    dimension.name = second_axis(dimension.name);
    dimensions.push_back(dimension);
  }
  return dimensions;
}

Variable HostModel::variable(const SiteView& site) const {
  Variable variable;
  variable.name = site.name;
  variable.type = site.whole ? ElementType::integer : ElementType::real;
  for (int axis = 0; axis < site.rank; ++axis) {
    const DimView& dim = layout().dims[site.dims[axis]];
    const bool twin = axis == 1 && site.dims[0] == site.dims[1];
    variable.dims.push_back(twin ? second_axis(dim.name) : dim.name);
    variable.shape.push_back(std::size_t(dim.size));
  }
  return variable;
}

Variable HostModel::log_likelihood(const SiteView& site) const {
  Variable variable = this->variable(site);
  variable.type = ElementType::real;
  variable.dims.resize(std::size_t(site.rank - site.event_rank));
  variable.shape.resize(variable.dims.size());
  return variable;
}

}  // namespace lockstep
