// Agreement with reference draws by rules §3: means, standard deviations and quantiles, in standard errors.
#pragma once

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <boost/math/distributions/normal.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "host/diagnostics.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

struct Comparison {
  std::string quantity;
  double z;
};

inline nlohmann::json references() {
  return nlohmann::json::parse(std::ifstream(std::string(LOCKSTEP_SOURCE_DIR) + "/tests/golden/references.json")).at("posteriors");
}

// Our side of the comparison: draws of one scalar, as they are or transformed; SE from the ESS of just that.
class OurDraws {
 public:
  OurDraws(const Fit& fit, const std::string& variable, std::size_t element) {
    const ChainView view = element_view(fit, fit.variable("posterior", variable), element);
    chains_ = view.chains;
    draws_ = view.draws;
    for (std::size_t c = 0; c < chains_; ++c)
      for (std::size_t d = 0; d < draws_; ++d) values_.push_back(view(c, d));
    mean_ = average(values_);
    std::vector<double> squares;
    for (double v : values_) squares.push_back((v - mean_) * (v - mean_));
    sd_ = std::sqrt(average(squares) * double(values_.size()) / double(values_.size() - 1));
    ess_ = ess(values_);
    const double mean_square = average(squares);
    double spread = 0;
    for (double s : squares) spread += (s - mean_square) * (s - mean_square);
    se_sd_ = std::sqrt(spread / double(squares.size() - 1)) / (2 * sd_ * std::sqrt(ess(squares)));
  }
  double mean() const { return mean_; }
  double se_mean() const { return sd_ / std::sqrt(ess_); }
  double sd() const { return sd_; }
  double se_sd() const { return se_sd_; }
  double ess() const { return ess_; }

  struct Share {
    double value, ess;
  };
  Share share_below(double limit) const {
    std::vector<double> below;
    for (double v : values_) below.push_back(v <= limit ? 1. : 0.);
    return {average(below), ess(below)};
  }

 private:
  static double average(const std::vector<double>& v) {
    double total = 0;
    for (double x : v) total += x;
    return total / double(v.size());
  }
  // Method "mean". One draw a chain: the chains are independent.
  double ess(const std::vector<double>& v) const {
    if (draws_ == 1) return double(chains_);
    return Diagnoser{}(ChainView{v.data(), chains_, draws_, draws_, 1}).ess_mean;
  }
  std::size_t chains_, draws_;
  std::vector<double> values_;
  double mean_, sd_, ess_, se_sd_;
};

// One reported element of the reference and where we keep it.
struct Counterpart {
  std::string reference;   // "theta[1]"
  std::string variable;    // "theta"
  std::size_t element;     // 0
};

struct Agreement {
  std::vector<Comparison> comparisons;
  double least_ess = HUGE_VAL;
  Comparison worst() const {
    Comparison worst{"", 0};
    for (const Comparison& c : comparisons)
      if (!(std::abs(c.z) <= std::abs(worst.z))) worst = c;
    return worst;
  }
  // The limit that keeps the family's false alarms at 1%, whatever the correlation.
  double limit() const { return boost::math::quantile(boost::math::normal(), 1 - 0.005 / double(comparisons.size())); }
};

inline Agreement compare(const Fit& fit, const nlohmann::json& reference, const std::vector<Counterpart>& counterparts) {
  Agreement result;
  for (const Counterpart& c : counterparts) {
    const OurDraws ours(fit, c.variable, c.element);
    const nlohmann::json& ref = reference.at(c.reference);
    result.least_ess = std::min(result.least_ess, ours.ess());
    auto add = [&](const std::string& what, double difference, double se_ours, double se_ref) {
      result.comparisons.push_back({c.reference + " " + what, difference / std::sqrt(se_ours * se_ours + se_ref * se_ref)});
    };
    add("mean", ours.mean() - ref.at("mean").get<double>(), ours.se_mean(), ref.at("se_mean"));
    add("sd", ours.sd() - ref.at("sd").get<double>(), ours.se_sd(), ref.at("se_sd"));
    for (const nlohmann::json& q : ref.at("quantiles")) {
      const double p = q.at("p");
      const OurDraws::Share share = ours.share_below(q.at("value"));
      const double binomial = std::sqrt(p * (1 - p));
      add(fmt::format("quantile {}", p), share.value - p, binomial / std::sqrt(share.ess), binomial / std::sqrt(q.at("ess").get<double>()));
    }
  }
  return result;
}

// "name[1]" ... "name[n]" of the reference are elements 0 ... n-1 of our variable.
inline void add_vector(std::vector<Counterpart>& to, const std::string& name, int n, const std::string& ours = "") {
  for (int i = 0; i < n; ++i) to.push_back({fmt::format("{}[{}]", name, i + 1), ours.empty() ? name : ours, std::size_t(i)});
}

}  // namespace lockstep
