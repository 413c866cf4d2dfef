#include "host/check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "kernels/ensemble.hpp"

namespace lockstep {

namespace {

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

std::string shape_text(const HostModel& model, const SiteView& site) {
  std::string text;
  for (int axis = 0; axis < site.rank; ++axis) {
    const DimView& dim = model.layout().dims[site.dims[axis]];
    text += fmt::format("{}{} {}", axis > 0 ? " x " : "", dim.name, dim.size);
  }
  return text;
}

std::string coordinate_name(const HostModel& model, int coordinate) {
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    const int at = coordinate - site.coordinate;
    if (site.kind != SiteKind::parameter || at < 0 || at >= site.coordinates) continue;
    if (site.rank == 0) return fmt::format("'{}'", site.name);
    return fmt::format("'{}' at {} {}", site.name, site.coordinates == site.size ? "element" : "coordinate", at + 1);
  }
  return fmt::format("coordinate {}", coordinate + 1);
}

// Fills in the sites and their log densities; returns the sum of these.
double add_sites(const HostModel& model, const std::vector<double>& position, CheckReport& report) {
  const std::vector<double> priors = model.generate(Meaning::log_prior, position);
  const std::vector<double> likelihoods = model.generate(Meaning::pointwise, position);
  auto prior = priors.begin();
  auto likelihood = likelihoods.begin();
  double total = 0;
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    SiteReport row{site.name, "", shape_text(model, site), site.support, std::nullopt};
    if (site.kind == SiteKind::deterministic) {
      row.kind = "deterministic";
    } else {
      auto& next = site.kind == SiteKind::parameter ? prior : likelihood;
      row.kind = site.kind == SiteKind::parameter ? "parameter" : "data";
      if (site.latent) row.kind = "latent";
      row.log_density = 0;
      for (std::int32_t event = 0; event < site.events; ++event) *row.log_density += *next++;
      total += *row.log_density;
    }
    report.sites.push_back(std::move(row));
  }
  return total;
}

void name_impossible(const HostModel& model, const std::vector<double>& position, CheckReport& report) {
  for (const Meaning meaning : {Meaning::log_prior, Meaning::pointwise})
    if (const auto event = model.first_impossible(meaning, position))
      report.problems.push_back(fmt::format(
          "{} '{}' is impossible at element {} (its log density is {} there). Check its {}, and what its distribution is made of, "
          "such as a negative standard deviation.", meaning == Meaning::log_prior ? "Parameter" : "Observed site", event->site,
          event->number, number_text(event->log_density), meaning == Meaning::log_prior ? "prior" : "value"));
}

// The worst coordinate is the one whose difference is largest against what is tolerated there.
class Comparison {
 public:
  explicit Comparison(const HostModel& model) : model_(model) {}
  void add(int coordinate, double value, double other, double tolerance) {
    ++result_.compared;
    const double excess = value == other ? 0 : std::abs(value - other) / tolerance;
    const bool worse = !(excess <= worst_);  // NaN is worse than anything
    if (!(excess <= 1)) result_.agrees = false;
    if (!worse && result_.compared > 1) return;
    worst_ = std::isnan(excess) ? std::numeric_limits<double>::infinity() : excess;
    result_.worst = coordinate_name(model_, coordinate);
    result_.value = value;
    result_.other = other;
  }
  Agreement result() const { return result_; }

 private:
  const HostModel& model_;
  Agreement result_;
  double worst_ = -1;
};

double largest(const std::vector<double>& values) {
  double most = 0;
  for (double v : values) most = std::max(most, std::abs(v));
  return most;
}

// The gradient as it is sampled with, every lane at the same point.
Agreement compare_lanes(const HostModel& model, const std::vector<double>& position, const std::vector<double>& gradient) {
  const std::size_t n = position.size(), lanes = std::size_t(pack_width);
  const AlignedArray at(n * lanes), out(n * lanes), scratch((std::size_t(model.layout().scratch) + 1) * lanes);
  for (std::size_t i = 0; i < n; ++i) std::fill_n(at.data() + i * lanes, lanes, position[i]);
  alignas(64) double log_density[pack_width];
  alignas(64) const std::int64_t columns[pack_width] = {};
  model.table().log_density_gradient(model.handle(), at.data(), log_density, out.data(), scratch.data(), columns);
  // Both round differently in sums whose terms are as large as the largest derivative.
  const double rounding = 1e-12 * largest(gradient);
  Comparison comparison(model);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t lane = 0; lane < lanes; ++lane)
      comparison.add(int(i), out.data()[i * lanes + lane], gradient[i], 1e-8 * std::max(1., std::abs(gradient[i])) + rounding);
  Agreement agreement = comparison.result();
  agreement.compared = int(n);
  return agreement;
}

// The derivative of the log density by one coordinate, by differences of fourth order over steps of several sizes: the
// closest one to `expected`, since what step is right depends on the curvature; and by how much it may be wrong: by rounding, and
// by what it differs from that of the next step (a differential equation is solved in steps of which a jump may be felt).
struct Difference {
  double value, error;
};
Difference difference(const HostModel& model, std::vector<double>& position, std::size_t i, double expected, double log_density) {
  const double x = position[i];
  Difference best{std::nan(""), 0};
  double before = std::nan(""), least_change = HUGE_VAL;
  for (const double relative : {1e-2, 1e-3, 1e-4, 1e-5}) {
    const double step = relative * std::max(1., std::abs(x));
    const auto at = [&](double k) {
      position[i] = x + k * step;
      return model.log_density(position.data(), nullptr);
    };
    const double value = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
    if (std::isnan(best.value) || std::abs(value - expected) < std::abs(best.value - expected))
      best = {value, 16 * std::numeric_limits<double>::epsilon() * std::abs(log_density) / step};
    least_change = std::fmin(least_change, std::abs(value - before));
    before = value;
  }
  position[i] = x;
  best.error += least_change;
  return best;
}

// A smoke test: of so many coordinates, evenly spread.
constexpr std::size_t most_differences = 200;

Agreement compare_differences(const HostModel& model, std::vector<double> position, const std::vector<double>& gradient,
                              double log_density) {
  Comparison comparison(model);
  const std::size_t n = position.size(), count = std::min(n, most_differences);
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t i = k * n / count;
    const Difference d = difference(model, position, i, gradient[i], log_density);
    comparison.add(int(i), gradient[i], d.value, 1e-6 * std::max(1., std::abs(gradient[i])) + d.error);
  }
  return comparison.result();
}

void require_agreement(const Agreement& agreement, const char* what, const char* remedy, CheckReport& report) {
  if (agreement.agrees) return;
  report.problems.push_back(fmt::format("The gradient by {} is {} ({}). {}", agreement.worst, number_text(agreement.value),
                                        fmt::format(fmt::runtime(what), number_text(agreement.other)), remedy));
}

}  // namespace

CheckReport check(const HostModel& model, const std::vector<double>& position) {
  CheckReport report;
  report.coordinates = model.coordinates();
  std::vector<double> gradient(position.size());
  report.log_density = model.log_density(position.data(), gradient.data());
  report.log_jacobian = report.log_density - add_sites(model, position, report);
  name_impossible(model, position, report);
  if (!std::isfinite(report.log_density)) {
    if (report.problems.empty())
      report.problems.push_back(fmt::format("The log density is {} (every prior and every observation is possible). Check for values "
                                            "that overflow.", number_text(report.log_density)));
    return report;
  }
  if (!all_finite(gradient)) {
    const auto bad = std::find_if(gradient.begin(), gradient.end(), [](double v) { return !std::isfinite(v); });
    report.problems.push_back(fmt::format("The gradient by {} is {} (the log density is finite). Check for values that overflow, and "
                                          "functions without a derivative there.",
                                          coordinate_name(model, int(bad - gradient.begin())), number_text(*bad)));
    return report;
  }
  report.lanes = compare_lanes(model, position, gradient);
  report.differences = compare_differences(model, position, gradient, report.log_density);
  require_agreement(*report.lanes, "plain doubles give {}",
                    "If the model has no part that holds on to a node which is gone, this is a bug in lockstep; please report it.",
                    report);
  require_agreement(*report.differences, "differences of the log density give {}",
                    "Check that no function returns an expression over its own nodes, and that no plate reads by a number.", report);
  return report;
}

}  // namespace lockstep
