#include "host/host_model.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace lockstep {

namespace {
template <class View> const View* find_named(const View* views, std::int64_t count, const std::string& name) {
  const View* const found = std::find_if(views, views + count, [&](const View& each) { return each.name == name; });
  return found == views + count ? nullptr : found;
}

// A matrix along one dimension twice: readers want two names.
std::string second_axis(const std::string& dim) { return dim + "_bis"; }

std::string axis_name(const LayoutView& layout, const std::int32_t (&dims)[2], int axis) {
  const std::string name = layout.dims[dims[axis]].name;
  return axis == 1 && dims[0] == dims[1] ? second_axis(name) : name;
}

Variable variable_of(const LayoutView& layout, const SiteView& site) {
  Variable variable;
  variable.name = site.name;
  variable.type = site.whole ? ElementType::integer : ElementType::real;
  for (int axis = 0; axis < site.rank; ++axis) {
    variable.dims.push_back(axis_name(layout, site.dims, axis));
    variable.shape.push_back(std::size_t(layout.dims[site.dims[axis]].size));
  }
  return variable;
}
}  // namespace

const SiteView* find_site(const LayoutView& layout, const std::string& name) { return find_named(layout.sites, layout.site_count, name); }
const DimView* find_dim(const LayoutView& layout, const std::string& name) { return find_named(layout.dims, layout.dim_count, name); }
const BoundFieldView* find_field(const LayoutView& layout, const std::string& name) {
  return find_named(layout.fields, layout.field_count, name);
}

HostModel::HostModel(const ModelTable& table, const Data& data, bool singles)
    : table_(table), data_(data), acted_on_(apply_actions(data)), views_(bound_to(), singles), handle_(bind(views_.view())) {
  scratch_.resize(std::size_t(layout().scratch) + std::size_t(layout().coordinates) + 1);
}

void* HostModel::bind(const DataView& view) const {
  if (table_.size != sizeof(ModelTable) || table_.pack_width != pack_width)
    throw ModelError(fmt::format("The model was compiled for {} lanes and the library for {} (or for another version of it; the two "
                                 "must agree). Compile both with the same flags: find_package(lockstep) brings them.",
                                 table_.pack_width, pack_width));
  ErrorMessage message;
  void* handle = table_.create(&view, &message.sink);
  if (!handle) throw DataError(message.text);
  return handle;
}

// Which sites there are, and of what size, only a model that is bound knows: so it is bound once without the actions, and with
// some number for what is missing, since what is observed in part is two sites.
std::optional<Data> HostModel::apply_actions(const Data& data) {
  if (data.actions().empty()) return std::nullopt;
  const Data left = data.without_actions();
  Data complete = left;
  for (auto [name, field] : left.fields()) {
    const auto there = std::find_if(field.values.begin(), field.values.end(), [](double v) { return !std::isnan(v); });
    const double some = there == field.values.end() ? 0. : *there;
    std::replace_if(field.values.begin(), field.values.end(), [](double v) { return std::isnan(v); }, some);
    complete.set(name, std::move(field));
  }
  const DataViews views(complete);
  const std::unique_ptr<void, void (*)(void*)> plain(bind(views.view()), table_.destroy);
  const LayoutView& layout = *table_.layout(plain.get());
  std::string names;
  for (std::int64_t i = 0; i < layout.site_count; ++i) names += (names.empty() ? "" : ", ") + std::string(layout.sites[i].name);
  // As many as there are elements.
  const auto spread = [](std::vector<double> values, std::size_t count, const std::string& what) {
    if (values.size() == 1) values.resize(count, values.front());
    if (values.size() != count)
      throw ModelError(fmt::format("{} is given {} values (it has {}). Give one for each element, or one for all.", what, values.size(), count));
    return values;
  };
  Data result = left;
  for (const auto& [name, action] : data.actions()) {
    if (const SiteView* site = find_site(layout, name)) {
      if (action.keeps_density && site->kind == SiteKind::deterministic)
        throw ModelError(fmt::format("'{}' cannot be observed (it is computed, and has no density that would stay). Use do.", name));
      std::vector<double> values = spread(action.values, std::size_t(site->size), fmt::format("site '{}'", name));
      if (!action.keeps_density) {
        done_.push_back(variable_of(layout, *site));
        done_.back().values = values;
      }
      if (action.keeps_density) result.set_observed(name, std::move(values));
      else result.set_do(name, std::move(values));
      continue;
    }
    const auto field = left.fields().find(name);
    if (field == left.fields().end() || action.keeps_density)
      throw ModelError(fmt::format("there is no site '{}' to {} (the model's sites: {}). Name one of these{}.", name,
                                   action.keeps_density ? "observe" : "do", names, action.keeps_density ? "" : ", or a field of the data"));
    if (field->second.columns != 1)
      throw ModelError(fmt::format("field '{}' differs between stacked data sets (one value would be done to all of them). Stack data that "
                                   "have it as it is to be.", name));
    Data::Field replaced = field->second;
    replaced.values = spread(action.values, replaced.values.size(), fmt::format("field '{}'", name));
    result.set(name, std::move(replaced));
  }
  return result;
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

std::vector<std::pair<std::string, std::string>> HostModel::graph() const {
  std::vector<std::pair<std::string, std::string>> edges;
  table_.graph(handle_, &edges, [](void* context, const char* from, const char* to) {
    static_cast<std::vector<std::pair<std::string, std::string>>*>(context)->emplace_back(from, to);
  });
  return edges;
}

std::size_t HostModel::values(Meaning meaning) const {
  const bool observed = of_observed(meaning);
  std::size_t count = 0;
  for (std::int64_t i = 0; i < layout().site_count; ++i) {
    const SiteView& site = layout().sites[i];
    const bool has_labels = meaning == Meaning::states && site.states_dim != -1;
    if ((site.kind != SiteKind::observed) == observed && !has_labels) continue;
    if ((meaning == Meaning::log_prior || meaning == Meaning::scales) && site.kind != SiteKind::parameter) continue;
    if (meaning == Meaning::pointwise || meaning == Meaning::log_prior) {
      count += std::size_t(site.events);
    } else if (meaning == Meaning::scales) {
      count += 2 * std::size_t(site.size);
    } else if (has_labels && site.states_dim == one_state) {
      ++count;
    } else if (meaning == Meaning::states && std::max(site.states_dim, site.missing_dim) >= 0) {   // a site has one of them
      count += std::size_t(layout().dims[std::max(site.states_dim, site.missing_dim)].size);
    } else {
      count += std::size_t(site.size);
    }
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

std::vector<double> HostModel::position_of(const std::vector<double>& values) const {
  std::vector<double> position(static_cast<std::size_t>(coordinates()));
  GenerateRequest request{};
  request.meaning = Meaning::unconstrain;
  request.values = values.data();
  request.position_out = position.data();
  generate(request);
  return position;
}

std::optional<ImpossibleEvent> HostModel::first_impossible(Meaning meaning, const std::vector<double>& position) const {
  const std::vector<double> log_densities = generate(meaning, position);
  auto next = log_densities.begin();
  for (std::int64_t i = 0; i < layout().site_count; ++i) {
    const SiteView& site = layout().sites[i];
    if (site.kind != (meaning == Meaning::pointwise ? SiteKind::observed : SiteKind::parameter)) continue;
    for (std::int32_t event = 0; event < site.events; ++event, ++next) {
      if (std::isfinite(*next)) continue;
      if (site.rank < 2 || site.event_rank > 0) return ImpossibleEvent{site.name, std::to_string(event + 1), *next};
      const std::int64_t width = layout().dims[site.dims[1]].size;
      return ImpossibleEvent{site.name, fmt::format("[{}, {}]", event / width + 1, event % width + 1), *next};
    }
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
  for (std::int64_t i = 0; i < layout().field_count; ++i) {
    const BoundFieldView& field = layout().fields[i];
    if (field.dims[0] >= 0 && field.dims[0] == field.dims[1]) is_square[std::size_t(field.dims[0])] = 1;
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

std::vector<std::string> HostModel::dims_of(const std::string& field) const {
  std::vector<std::string> names;
  if (const BoundFieldView* bound = find_field(layout(), field))
    for (int axis = 0; axis < 2 && bound->dims[axis] >= 0; ++axis) names.push_back(axis_name(layout(), bound->dims, axis));
  return names;
}

Variable HostModel::variable(const SiteView& site) const { return variable_of(layout(), site); }

Variable HostModel::log_likelihood(const SiteView& site) const {
  Variable variable = this->variable(site);
  variable.type = ElementType::real;
  variable.dims.resize(std::size_t(site.rank - site.event_rank));
  variable.shape.resize(variable.dims.size());
  if (site.event_dim >= 0) {
    const DimView& along = layout().dims[site.event_dim];
    variable.dims = {along.name};
    variable.shape = {std::size_t(along.size)};
  }
  return variable;
}

}  // namespace lockstep
