#include "host/recorder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/data_groups.hpp"
#include "kernels/cpu/launch.hpp"

namespace lockstep {

namespace {

struct StatisticColumn {
  DrawStatistic statistic;
  const char* name;
  ElementType type;
};

constexpr StatisticColumn statistic_columns[] = {
    {DrawStatistic::lp, "lp", ElementType::real},
    {DrawStatistic::acceptance_rate, "acceptance_rate", ElementType::real},
    {DrawStatistic::step_size, "step_size", ElementType::real},
    {DrawStatistic::tree_depth, "tree_depth", ElementType::integer},
    {DrawStatistic::n_steps, "n_steps", ElementType::integer},
    {DrawStatistic::diverging, "diverging", ElementType::boolean},
    {DrawStatistic::reached_max_treedepth, "reached_max_treedepth", ElementType::boolean},
    {DrawStatistic::energy, "energy", ElementType::real},
    {DrawStatistic::energy_error, "energy_error", ElementType::real},
    {DrawStatistic::max_energy_error, "max_energy_error", ElementType::real},
};

std::vector<std::vector<double>> statistics(const DrawBlock& block, const std::vector<int>& rows) {
  std::vector<std::vector<double>> values;
  for (const StatisticColumn& column : statistic_columns) {
    values.emplace_back();
    values.back().reserve(std::size_t(block.chains()) * rows.size());
    for (int c = 0; c < block.chains(); ++c)
      for (int row : rows) values.back().push_back(block.statistic(c, row, column.statistic));
  }
  return values;
}

void append(DrawSink& sink, std::size_t group, const std::vector<int>& rows, int first,
            const std::vector<std::vector<double>>& values) {
  std::vector<std::size_t> numbers;
  for (int row : rows) numbers.push_back(std::size_t(first + row));
  sink.append(group, numbers, std::vector<std::span<const double>>(values.begin(), values.end()));
}

constexpr int warmup_at_a_time = 8;  // about what warmup makes between two barriers

int kept_of(int draws, int stride) { return draws / stride + (draws % stride != 0 ? 1 : 0); }

}  // namespace

Recorder::Recorder(const HostModel& model, const SampleOptions& options, const RunPlan& plan,
                   const std::vector<int>& superchain, DrawSink& sink)
    : model_(model), options_(options), plan_(plan), sink_(sink) {
  keep_sites();
  if ((options.log_likelihood || options.predictive) && generated_values(options, model) == 0)
    throw SampleError(
        "the model observes nothing (a log likelihood and predictions are of observations). Ask for neither.");
  outline_.chains = std::size_t(plan.chains);
  outline_.superchain = superchain;
  outline_.dimensions = model.dimensions();
  const auto add_drawn = [&](const char* name, Meaning meaning, int stride) {
    add_product(name, meaning, kept_of(plan.draws, stride), stride, plan.at_a_time(stride, model.values(meaning)),
                products_);
  };
  add_drawn("posterior", Meaning::constrain, plan.thin);
  statistics_ = outline_.draws.size();
  add_statistics("sample_stats", kept_of(plan.draws, plan.thin), plan.at_a_time(plan.thin, draw_statistics));
  if (options.log_likelihood) add_drawn("log_likelihood", Meaning::pointwise, plan.thin_generated);
  if (options.predictive) add_drawn("posterior_predictive", Meaning::predict, plan.thin_generated);
  if (options.keep_warmup) {
    const int most = kept_of(plan.warmup_most, plan.thin);
    add_product("warmup_posterior", Meaning::constrain, most, plan.thin, warmup_at_a_time, warmup_products_);
    warmup_statistics_ = outline_.draws.size();
    add_statistics("warmup_sample_stats", most, warmup_at_a_time);
  }
  outline_.data = data_groups(model, outline_.dimensions);
  note_thinning();
  if (model.layout().has_potentials && (options.log_likelihood || options.predictive))
    notes_.push_back("The model has potentials, which are in no log likelihood and no prediction.");
  constexpr std::string_view imputed = imputed_suffix, observed = observed_suffix;
  for (std::int64_t i = 0; model.layout().has_missing && i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    const std::string name = site.name;
    if (site.missing_dim >= 0) {
      const DimView& missing = model.layout().dims[site.missing_dim];
      notes_.push_back(fmt::format("'{}' has {} missing value{}, summed out with its states.",
                                   name.substr(0, name.size() - observed.size()), missing.size, missing.size > 1 ? "s" : ""));
    }
    if (site.kind != SiteKind::parameter || !name.ends_with(imputed)) continue;
    notes_.push_back(fmt::format("'{}' has {} missing value{}, imputed as '{}', without a log likelihood.",
                                 name.substr(0, name.size() - imputed.size()), site.size, site.size > 1 ? "s" : "", name));
  }
  sink_.open(outline_);
}

void Recorder::note_thinning() {
  if (generated_values(options_, model_) == 0 || plan_.thin_generated == plan_.thin) return;
  const char* which = !options_.predictive       ? "log_likelihood has"
                      : !options_.log_likelihood ? "posterior_predictive has"
                                                 : "log_likelihood and posterior_predictive have";
  notes_.push_back(fmt::format(
      "{} one draw in {} (4000 draws in all, or 1 GiB, are enough). Ask for all (--predictive all) if they are not.", which,
      plan_.thin_generated));
}

void Recorder::keep_sites() {
  const LayoutView& layout = model_.layout();
  kept_.assign(std::size_t(layout.site_count), options_.keep.empty() ? 1 : 0);
  if (!options_.keep.empty() && !options_.leave_out.empty())
    throw SampleError(
        "both sites to keep and sites to leave out are given (either says which are kept). Give one list.");
  std::string known;
  for (std::int64_t i = 0; i < layout.site_count; ++i)
    if (layout.sites[i].kind != SiteKind::observed)
      known += (known.empty() ? "" : ", ") + std::string(layout.sites[i].name);
  for (const auto* list : {&options_.keep, &options_.leave_out})
    for (const std::string& name : *list) {
      const SiteView* site = find_site(layout, name);
      if (!site || site->kind == SiteKind::observed)
        throw SampleError(fmt::format(
            "there is no site '{}' to {} (the model's parameters and deterministics: {}). Name one of these.", name,
            list == &options_.keep ? "keep" : "leave out", known));
      kept_[std::size_t(site - layout.sites)] = list == &options_.keep;
    }
  for (std::int64_t i = 0; i < layout.site_count; ++i)
    if (layout.sites[i].kind != SiteKind::observed && kept_[std::size_t(i)]) return;
  throw SampleError("no site would be kept (all are left out). Leave out fewer.");
}

void Recorder::add_statistics(const char* name, int most, int at_a_time) {
  Outline::Draws draws{{name, true, {}}, std::size_t(most), std::size_t(at_a_time)};
  for (const StatisticColumn& column : statistic_columns)
    draws.group.variables.push_back({column.name, {}, {}, column.type, {}});
  outline_.draws.push_back(std::move(draws));
}

void Recorder::add_product(const char* name, Meaning meaning, int most, int stride, int at_a_time,
                           std::vector<Product>& products) {
  const bool observed = meaning != Meaning::constrain;
  Product product{outline_.draws.size(), meaning, stride, {}};
  Outline::Draws draws{{name, true, {}}, std::size_t(most), std::size_t(at_a_time)};
  std::size_t offset = 0;
  for (std::int64_t i = 0; i < model_.layout().site_count; ++i) {
    const SiteView& site = model_.layout().sites[i];
    if ((site.kind == SiteKind::observed) != observed) continue;
    const std::size_t all = std::size_t(meaning == Meaning::pointwise ? site.events : site.size);
    const bool in_that_of_a_latent = meaning == Meaning::pointwise && site.events == 0 && site.size > 0;
    if ((observed && !in_that_of_a_latent) || (!observed && kept_[std::size_t(i)])) {
      draws.group.variables.push_back(meaning == Meaning::pointwise ? log_likelihood_variable(site)
                                                                    : model_.variable(site));
      const std::size_t size = draws.group.variables.back().size();
      product.columns.push_back({offset + all - size, size});
    }
    offset += all;
  }
  outline_.draws.push_back(std::move(draws));
  products.push_back(std::move(product));
}

// What is given has no likelihood: the variable of a plate that starts later runs along a dimension of its own, without the
// first elements.
Variable Recorder::log_likelihood_variable(const SiteView& site) {
  if (site.recurrence)
    notes_.push_back(fmt::format(
        "The log_likelihood of '{}' is that of each value given the ones before it (it is a recurrence). Use it for "
        "leave-future-out comparison, not for LOO.",
        site.name));
  Variable variable = model_.log_likelihood(site);
  if (site.first == 0 || variable.dims.size() != 1) return variable;
  const auto named = [&](const std::string& name) {
    return std::find_if(outline_.dimensions.begin(), outline_.dimensions.end(),
                        [&](const Dimension& each) { return each.name == name; });
  };
  const auto whole = named(variable.dims[0]);
  const std::size_t first = std::size_t(site.first);
  Dimension modelled{fmt::format("{}_from_{}", variable.dims[0], first), variable.shape[0] - first, {}};
  for (std::size_t i = first; i < variable.shape[0]; ++i)
    modelled.labels.push_back(whole->labels.empty() ? std::to_string(i) : whole->labels[i]);
  variable.dims[0] = modelled.name;
  variable.shape[0] = modelled.size;
  if (named(modelled.name) == outline_.dimensions.end()) outline_.dimensions.push_back(std::move(modelled));
  return variable;
}

void Recorder::warmup(const DrawBlock& block, int first, int count) {
  record(warmup_products_, warmup_statistics_, block, first, count);
}

void Recorder::draws(const DrawBlock& block, int first, int count) {
  record(products_, statistics_, block, first, count);
}

void Recorder::record(const std::vector<Product>& products, std::size_t statistics_group, const DrawBlock& block,
                      int first, int count) {
  // Rows of the block that hold every stride-th draw.
  const auto rows_of = [&](int stride) {
    std::vector<int> rows;
    for (int row = (stride - first % stride) % stride; row < count; row += stride) rows.push_back(row);
    return rows;
  };
  // Some of them at a time.
  const auto append_all = [&](std::size_t group, int stride, const auto& values_of) {
    const std::vector<int> all = rows_of(stride);
    for (std::size_t done = 0; done < all.size();) {
      const std::size_t end = std::min(all.size(), done + outline_.draws[group].at_a_time);
      const std::vector<int> some(all.begin() + std::ptrdiff_t(done), all.begin() + std::ptrdiff_t(end));
      append(sink_, group, some, first, values_of(some));
      done = end;
    }
  };
  append_all(statistics_group, plan_.thin, [&](const std::vector<int>& rows) { return statistics(block, rows); });
  for (const Product& product : products)
    append_all(product.group, product.stride,
               [&](const std::vector<int>& rows) { return generate(product, block, first, rows); });
}

std::vector<std::vector<double>> Recorder::generate(const Product& product, const DrawBlock& block, int first,
                                                    const std::vector<int>& rows) const {
  const std::size_t chains = std::size_t(block.chains()), kept = rows.size();
  std::vector<std::vector<double>> values;
  for (const Column& column : product.columns) values.emplace_back(chains * kept * column.size);
  parallel_for_ranges(chains * kept, options_.threads, [&](std::size_t begin, std::size_t end) {
    std::vector<double> position(std::size_t(model_.coordinates())), all(model_.values(product.meaning));
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t chain = i / kept, row = i % kept;
      for (std::size_t k = 0; k < position.size(); ++k) position[k] = block.position(int(chain), rows[row], int(k));
      GenerateRequest request{};
      request.meaning = product.meaning;
      request.position = position.data();
      request.seed = options_.seed;
      request.chain = std::uint32_t(chain);
      request.draw = std::uint32_t(first + rows[row]);
      request.out = all.data();
      model_.generate(request);
      for (std::size_t v = 0; v < values.size(); ++v)
        std::copy_n(all.begin() + std::ptrdiff_t(product.columns[v].offset), product.columns[v].size,
                    values[v].begin() + std::ptrdiff_t(i * product.columns[v].size));
    }
  });
  return values;
}

}  // namespace lockstep
