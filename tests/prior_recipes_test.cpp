// The priors for many coefficients that the guide has, models/priors: gradients, and what their draws are distributed as.
#include "gradient_oracles.hpp"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>

#include "goodness_of_fit.hpp"
#include "models/priors/horseshoe.hpp"
#include "models/priors/r2d2.hpp"

namespace lockstep {
namespace {

constexpr std::size_t rows = 12, columns = 4;

// Columns of different sizes, and what depends on them.
Data regression() {
  Data data;
  Values x = Numbers(3).uniforms(rows * columns, -1, 1), y = Numbers(4).uniforms(rows, -2, 2);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < columns; ++k) {
      x[i * columns + k] *= std::pow(10., double(k) - 1);
      y[i] += x[i * columns + k] * std::pow(10., 1 - double(k));
    }
  data.set("X", Data::Field{{std::int64_t(rows), std::int64_t(columns)}, x});
  data.set("y", y);
  data.set("positive", {0.5, 0.9, 0.05, 0.5});
  return data;
}
double spread_of(const Values& values, std::size_t first, std::size_t step) {
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < rows; ++i) mean += values[first + i * step] / double(rows);
  for (std::size_t i = 0; i < rows; ++i) squares += std::pow(values[first + i * step] - mean, 2);
  return std::sqrt(squares / (rows - 1));
}

TEST(PriorGradients, OfTheRegularisedHorseshoe) { expect_right_gradients(Bound<models::Horseshoe>(regression()), 0.7); }
TEST(PriorGradients, OfR2D2M2CP) { expect_right_gradients(Bound<models::R2D2M2CP>(regression()), 0.7); }

// Draws of the parameters, site by site.
template <class Model> class Draws {
 public:
  explicit Draws(const Bound<Model>& bound) : bound_(bound) {
    const LayoutView& layout = bound.model.layout();
    int size = 0;
    for (std::int64_t i = 0; i < layout.site_count; ++i)
      if (layout.sites[i].kind != SiteKind::observed) {
        first_[layout.sites[i].name] = std::size_t(size);
        size += layout.sites[i].size;
      }
    for (std::uint32_t d = 0; d < 10000; ++d) {
      Values position(std::size_t(bound.n)), values(std::size_t(size), 0.);
      bound.model.generate({Meaning::prior, nullptr, nullptr, 20250908, 0, d, 0, position.data(), values.data()});
      draws_.push_back(values);
    }
  }
  template <class F> Sample each(const F& f) const {
    Sample sample;
    for (const Values& v : draws_) sample.push_back(f([&](const char* site, std::size_t k) { return v[first_.at(site) + k]; }));
    return sample;
  }

 private:
  const Bound<Model>& bound_;
  std::map<std::string, std::size_t> first_;
  std::vector<Values> draws_;
};

constexpr double family_level = 1e-3;
const Cdf standard_normal = [](double z) { return cdf(boost::math::normal(), z); };
MassFunction coin(double p) {
  return [=](double y) { return y == 1 ? p : y == 0 ? 1 - p : 0; };
}

// Standardised by the scale that the paper gives, 1/variance = 1/(tau lambda)^2 + 1/slab; and the slab, over its chi-squared.
TEST(PriorDraws, OfTheRegularisedHorseshoeHaveItsScales) {
  const Bound<models::Horseshoe> bound(regression());
  const Draws<models::Horseshoe> draws(bound);
  std::vector<double> p_values;
  for (std::size_t k = 0; k < columns; ++k) {
    p_values.push_back(kolmogorov_smirnov(draws.each([=](const auto& v) {
      const double free = std::pow(v("tau", 0) * v("lambda", k), 2);
      return v("beta", k) * std::sqrt(1 / free + 1 / v("slab", 0));
    }), standard_normal));
  }
  // The share that is kept of an effect of one standard deviation, were there no slab, with tau = sigma/sqrt(rows): the horseshoe.
  p_values.push_back(kolmogorov_smirnov(draws.each([](const auto& v) { return 1 / (1 + std::pow(v("lambda", 2), 2)); }),
                                        [](double x) { return cdf(boost::math::beta_distribution<>(0.5, 0.5), x); }));
  // tau over its scale is half-Cauchy.
  p_values.push_back(kolmogorov_smirnov(
      draws.each([](const auto& v) { return v("tau", 0) / (v("sigma", 0) * 3 / (4. - 3) / std::sqrt(12.)); }),
      [](double x) { return 2 / M_PI * std::atan(x); }));
  for (const double p : p_values) EXPECT_GT(p, family_level / double(p_values.size()));
}

TEST(PriorDraws, OfR2D2M2CPExplainWhatTheySayAndHaveTheirSigns) {
  const Data data = regression();
  const Bound<models::R2D2M2CP> bound(data);
  const Draws<models::R2D2M2CP> draws(bound);
  const Values& x = data.fields().at("X").values;
  const double y_spread = spread_of(data.fields().at("y").values, 0, 1);
  const Values positive{0.5, 0.9, 0.05, 0.5};
  std::vector<double> p_values;
  p_values.push_back(kolmogorov_smirnov(draws.each([](const auto& v) { return v("r2", 0); }), [](double r) { return r; }));   // Beta(1, 1)
  for (std::size_t k = 0; k < columns; ++k) {
    p_values.push_back(chi_square(draws.each([=](const auto& v) { return v("beta", k) > 0 ? 1. : 0.; }), coin(positive[k])));
    // What the effect explains, in units of its share of what is explained, has mean 1.
    const double spread = spread_of(x, k, columns);
    const Sample explained = draws.each(
        [=](const auto& v) { return std::pow(v("beta", k) * spread / y_spread, 2) / (v("r2", 0) * v("share", k)); });
    double mean = 0, squares = 0;
    for (double e : explained) mean += e / double(explained.size());
    for (double e : explained) squares += std::pow(e - mean, 2);
    const double z = (mean - 1) / std::sqrt(squares) * double(explained.size());
    p_values.push_back(2 * cdf(boost::math::normal(), -std::abs(z)));
  }
  for (const double p : p_values) EXPECT_GT(p, family_level / double(p_values.size()));
}

}  // namespace
}  // namespace lockstep
