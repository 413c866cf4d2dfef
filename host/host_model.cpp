#include "host/host_model.hpp"

namespace lockstep {

namespace {
// Collects the message that a model reports.
struct Message {
  std::string text;
  ErrorSink sink{this, [](void* context, const char* message) { static_cast<Message*>(context)->text = message; }};
};
}  // namespace

HostModel::HostModel(const ModelTable& table, const Data& data) : table_(table), views_(data) {
  Message message;
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
  Message message;
  if (!table_.generate(handle_, &request, &message.sink)) throw ModelError(message.text);
}

std::size_t HostModel::values(Meaning meaning) const {
  const bool observed = meaning == Meaning::predict || meaning == Meaning::pointwise;
  std::size_t count = 0;
  for (std::int64_t i = 0; i < layout().site_count; ++i) {
    const SiteView& site = layout().sites[i];
    if ((site.kind == SiteKind::observed) == observed) count += std::size_t(site.size);
  }
  return count;
}

std::vector<Dimension> HostModel::dimensions() const {
  std::vector<Dimension> dimensions;
  for (std::int64_t i = 0; i < layout().dim_count; ++i) {
    const DimView& view = layout().dims[i];
    Dimension dimension{view.name, std::size_t(view.size), {}};
    if (view.labels) dimension.labels.assign(view.labels, view.labels + view.size);
    dimensions.push_back(std::move(dimension));
  }
  return dimensions;
}

Variable HostModel::variable(const SiteView& site) const {
  Variable variable;
  variable.name = site.name;
  variable.type = site.whole ? ElementType::integer : ElementType::real;
  if (site.dim >= 0) {
    variable.dims.push_back(layout().dims[site.dim].name);
    variable.shape.push_back(std::size_t(site.size));
  }
  return variable;
}

}  // namespace lockstep
