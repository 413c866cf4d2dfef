// What one fit has learnt as the prior of the next: what is put into the data, how a model reads it, and that two data sets one
// after the other say what both say together.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "bound_model.hpp"
#include "expect_normal.hpp"
#include "goodness_of_fit.hpp"
#include "gradient_in_lanes.hpp"
#include "host/host_model.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

using Vector = Eigen::VectorXd;
using Square = Eigen::MatrixXd;

// A line with a known error.
struct First {
  Dim obs, covariate;
  Matrix X;
  Real y;
  explicit First(Dataset& d)
      : obs(d.dim("obs")), covariate(d.dim("covariate")), X(d.matrix("X", obs, covariate)), y(d.real("y", obs)) {}
  template <class M> void operator()(M& m) const {
    auto alpha = m.param("alpha", normal(0, 10));
    auto beta = m.param("beta", normal(0, 3), covariate);
    auto line = m.linear(X, beta);
    m.observe("y", y, obs, [&](auto i) { return normal(alpha + line[i], 1); });
  }
};
// The same with the first's posterior for its prior.
template <bool centred> struct Second {
  Dim obs, covariate;
  Matrix X;
  Real y;
  PosteriorNormal before;
  explicit Second(Dataset& d)
      : obs(d.dim("obs")), covariate(d.dim("covariate")), X(d.matrix("X", obs, covariate)), y(d.real("y", obs)),
        before(d.posterior("before", {{"beta", covariate}, {"alpha"}})) {}
  template <class M> void operator()(M& m) const {
    const auto prior = mv_normal_cholesky(before.mean, before.factor);
    if constexpr (centred) {
      auto x = m.param("x", prior, before.dim);
      observe_line(m, x);
    } else {
      auto x = m.param("x", non_centred(prior), before.dim);
      observe_line(m, x);
    }
  }
  template <class M, class X_> void observe_line(M& m, const X_& x) const {
    auto beta = m.let("beta", covariate, [&](auto j) { return x[before(0, j)]; });
    auto alpha = m.deterministic("alpha", x[before[1]]);
    auto line = m.linear(X, beta);
    m.observe("y", y, obs, [&](auto i) { return normal(alpha + line[i], 1); });
  }
};

// Covariates that go together, so that their coefficients do not.
struct Line {
  Square X;
  Vector y;
};
Line line(int n, std::uint32_t seed) {
  Stream random({.seed = seed});
  Line all{Square(n, 2), Vector(n)};
  for (int i = 0; i < n; ++i) {
    all.X(i, 0) = 1 + random.normal();
    all.X(i, 1) = all.X(i, 0) + 0.3 * random.normal();
    all.y[i] = 0.5 + all.X(i, 0) - 0.7 * all.X(i, 1) + random.normal();
  }
  return all;
}
Data data_of(const Line& line, bool swapped) {
  Data data;
  std::vector<std::vector<double>> rows;
  for (Eigen::Index i = 0; i < line.X.rows(); ++i) rows.push_back({line.X(i, swapped), line.X(i, !swapped)});
  data.set("X", rows);
  data.set("y", std::vector<double>(line.y.data(), line.y.data() + line.y.size()));
  data.set_labels("covariate", swapped ? std::vector<std::string>{"dose", "age"} : std::vector<std::string>{"age", "dose"});
  return data;
}
// The posterior's precision of alpha, age and dose, and that times their mean: of the priors, and what a line adds.
struct Information {
  Square precision;
  Vector weighted;
};
Information information(const Line& line) {
  Square design(line.X.rows(), 3);
  design << Vector::Ones(line.X.rows()), line.X;
  return {design.transpose() * design, design.transpose() * line.y};
}

TEST(PriorFromPosterior, OfTwoDataSetsSaysWhatBothSayTogether) {
  const Line a = line(30, 1), b = line(25, 2);
  SampleOptions options;
  options.chains = 16;
  options.draws = 4000;
  options.seed = 20251126;
  const Fit first = sample<First>(data_of(a, false), options);
  Data data = data_of(b, true);
  prior_from_posterior(data, "before", first, {"alpha", "beta"});
  EXPECT_EQ(data.labels().at("before"), (std::vector<std::string>{"alpha", "beta[age]", "beta[dose]"}));
  const Information of_a = information(a), of_b = information(b);
  const Square prior = Vector(Eigen::Vector3d(0.01, 1 / 9., 1 / 9.)).asDiagonal();
  const Square precision = prior + of_a.precision + of_b.precision, covariance = precision.inverse();
  const Vector mean = covariance * (of_a.weighted + of_b.weighted);
  // The covariance matters: without it another posterior comes out, by five times what is let pass below.
  const Square alone = (prior + of_a.precision).inverse();
  const Square independent = Square(alone.diagonal().cwiseInverse().asDiagonal());
  const Vector wrong = (independent + of_b.precision).inverse() * (independent * (alone * of_a.weighted) + of_b.weighted);
  EXPECT_GT(std::abs(wrong[1] - mean[1]) / std::sqrt(covariance(1, 1)), 0.3);
  const auto check = [&](const Fit& second) {
    const std::vector<std::pair<std::vector<double>, int>> all{
        {draws_of(second, "alpha"), 0}, {draws_of(second, "beta", 1), 1}, {draws_of(second, "beta", 0), 2}};
    for (const auto& [draws, k] : all) {
      double average = 0, squares = 0;
      for (double x : draws) average += x / double(draws.size());
      for (double x : draws) squares += (x - average) * (x - average) / double(draws.size());
      const double sd = std::sqrt(covariance(k, k));
      // Two fits' Monte Carlo errors, each of at least 10,000 effective draws: standard errors below 0.014 sd and 1% of it.
      EXPECT_NEAR(average, mean[k], 0.06 * sd) << k;
      EXPECT_NEAR(std::sqrt(squares), sd, 0.04 * sd) << k;
    }
  };
  check(sample<Second<false>>(data, options));
  check(sample<Second<true>>(data, options));
}

// The same density and gradient by hand, in doubles and in lanes of both precisions.
template <bool centred> void expect_density() {
  SCOPED_TRACE(centred);
  const Line b = line(8, 3);
  Data data = data_of(b, true);
  data.set_labels("before", {"alpha", "beta[age]", "beta[dose]"});
  data.set("before_mean", {0.3, -0.4, 0.9});
  Square L(3, 3);
  L << 0.5, 0, 0, -0.2, 0.7, 0, 0.1, 0.3, 0.4;
  data.set("before_factor", {{0.5, 9, 9}, {-0.2, 0.7, 9}, {0.1, 0.3, 0.4}});   // what is above the diagonal has no say
  const HostModel model(*model_table<Second<centred>>(), data, true);
  const Values position{0.7, -1.1, 0.4};
  const Vector mean = Eigen::Vector3d(0.3, -0.4, 0.9), at = Eigen::Vector3d(0.7, -1.1, 0.4);
  const Vector x = centred ? at : Vector(mean + L * at), z = centred ? Vector(L.inverse() * (at - mean)) : at;
  Square design(8, 3);
  design << Vector::Ones(8), b.X;
  const Vector rest = b.y - design * x;
  const double jacobian = centred ? std::log(L.determinant()) : 0;
  const double expected = -0.5 * (z.squaredNorm() + rest.squaredNorm()) - jacobian - 11 * log_sqrt_of_2pi;
  const Vector by_x = design.transpose() * rest;
  const Vector slope = centred ? Vector(by_x - L.transpose().inverse() * z) : Vector(L.transpose() * by_x - z);
  Values gradient(3);
  EXPECT_NEAR(model.log_density(position.data(), gradient.data()), expected, 1e-12 * std::abs(expected));
  for (std::size_t c = 0; c < 3; ++c) {
    const double by_hand = slope[Eigen::Index(c)];
    EXPECT_NEAR(gradient[c], by_hand, 1e-12 * std::max(1., std::abs(by_hand)));
  }
  GradientInLanes lanes(model);
  lanes.place(position);
  for (const bool mixed : {false, true}) {
    lanes.run(model, mixed ? model.table().log_density_gradient_mixed : model.table().log_density_gradient);
    const double tolerance = mixed ? 1e-5 : 1e-12;
    for (int lane = 0; lane < pack_width; ++lane) {
      EXPECT_NEAR(lanes.log_density[lane], expected, tolerance * std::abs(expected));
      for (std::size_t c = 0; c < 3; ++c)
        EXPECT_NEAR(lanes.gradient.data()[c * std::size_t(pack_width) + std::size_t(lane)], gradient[c],
                    tolerance * std::max(10., std::abs(gradient[c])));
    }
  }
}
TEST(PriorFromPosterior, HasTheDensityOfANormalVector) {

  expect_density<true>();
  expect_density<false>();
}

// ---- a scale, on the line by its logarithm -------------------------------------------------------------------------------

struct Spread {
  Dim obs;
  Real y;
  explicit Spread(Dataset& d) : obs(d.dim("obs")), y(d.real("y", obs)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 5));
    auto sigma = m.param("sigma", exponential(0.5));
    m.observe("y", y, obs, [&](auto) { return normal(mu, sigma); });
  }
};
struct SpreadAgain {
  Dim obs;
  Real y;
  PosteriorNormal before;
  explicit SpreadAgain(Dataset& d)
      : obs(d.dim("obs")), y(d.real("y", obs)), before(d.posterior("before", {{"mu"}, {"log(sigma)"}})) {}
  template <class M> void operator()(M& m) const {
    auto x = m.param("x", non_centred(mv_normal_cholesky(before.mean, before.factor)), before.dim);
    auto mu = m.deterministic("mu", x[before[0]]);
    auto sigma = m.deterministic("sigma", exp(x[before[1]]));
    m.observe("y", y, obs, [&](auto) { return normal(mu, sigma); });
  }
};

TEST(PriorFromPosterior, OfAScaleIsItsLogarithms) {
  Stream random({.seed = 5});
  Values a, b;
  for (int i = 0; i < 100; ++i) (i < 60 ? a : b).push_back(2 + 1.5 * random.normal());
  const auto with = [](const Values& y) {
    Data data;
    data.set("y", y);
    return data;
  };
  SampleOptions options;
  options.chains = 16;
  options.draws = 4000;
  options.seed = 20251126;
  Values together = a;
  together.insert(together.end(), b.begin(), b.end());
  const Fit first = sample<Spread>(with(a), options), both = sample<Spread>(with(together), options);
  Data data = with(b);
  prior_from_posterior(data, "before", first, {"mu", "log(sigma)"});
  const Fit second = sample<SpreadAgain>(data, options);
  const Values &mean = data.fields().at("before_mean").values, &factor = data.fields().at("before_factor").values;
  // The normal prior times the likelihood of b, summed over a grid of standard coordinates: weight, mu and sigma.
  std::vector<std::array<double, 3>> grid;
  for (double z = -6; z <= 6; z += 0.05)
    for (double w = -6; w <= 6; w += 0.05) {
      const double mu = mean[0] + factor[0] * z, log_sigma = mean[1] + factor[2] * z + factor[3] * w;
      double squares = 0;
      for (double y : b) squares += (y - mu) * (y - mu);
      const double log_density = -0.5 * (z * z + w * w + squares * std::exp(-2 * log_sigma)) - double(b.size()) * log_sigma;
      grid.push_back({log_density, mu, std::exp(log_sigma)});
    }
  const double largest = (*std::ranges::max_element(grid))[0];
  for (auto& point : grid) point[0] = std::exp(point[0] - largest);
  for (const std::size_t k : {1u, 2u}) {
    const char* const site = k == 1 ? "mu" : "sigma";
    double total = 0, sum = 0, rest = 0;
    for (const auto& point : grid) total += point[0], sum += point[0] * point[k];
    for (const auto& point : grid) rest += point[0] * std::pow(point[k] - sum / total, 2);
    expect_normal(second, draws_of(second, site), sum / total, std::sqrt(rest / total), 4.5);
    const auto moments = [&](const Fit& fit) {
      double average = 0, squares = 0;
      const Values draws = draws_of(fit, site);
      for (double x : draws) average += x / double(draws.size());
      for (double x : draws) squares += (x - average) * (x - average) / double(draws.size());
      return std::pair{average, std::sqrt(squares)};
    };
    // The posterior of 60 observations is nearly normal on the line, not quite: 0.1 of a standard deviation are left of that.
    const auto [ours, ours_sd] = moments(second);
    const auto [expected, expected_sd] = moments(both);
    EXPECT_NEAR(ours, expected, 0.15 * expected_sd) << site;
    EXPECT_NEAR(ours_sd, expected_sd, 0.06 * expected_sd) << site;
  }
  // It is a proper prior: it can be drawn from.
  PriorOptions prior_options;
  prior_options.draws = 10000;
  const Fit prior = sample_prior<SpreadAgain>(data, prior_options);
  Sample standard;
  for (double sigma : prior.variable("prior", "sigma").values)
    standard.push_back((std::log(sigma) - mean[1]) / std::hypot(factor[2], factor[3]));
  EXPECT_GT(kolmogorov_smirnov(standard, [](double z) { return cdf(boost::math::normal(), z); }), 5e-4);
  EXPECT_EQ(predict<SpreadAgain>(second).variable("posterior_predictive", "y").values.size(), 40u * 16 * 4000);
}

// ---- what is put into the data ---------------------------------------------------------------------------------------------

Fit small_fit() {
  Fit fit;
  fit.chains = 2;
  fit.draws = 3;
  fit.dimensions = {{"k", 2, {"a", "b"}}, {"l", 2, {}}};
  Group posterior{"posterior", true, {}};
  posterior.variables = {{"mu", {}, {}, ElementType::real, {1, 2, 4, 3, 5, 9}},
                         {"p", {"k"}, {2}, ElementType::real, {0.1, 0.2, 0.3, 0.1, 0.2, 0.5, 0.4, 0.7, 0.6, 0.3, 0.8, 0.4}},
                         {"W", {"k", "l"}, {2, 2}, ElementType::real, std::vector<double>(24, 1.)},
                         {"same", {}, {}, ElementType::real, {7, 7, 7, 7, 7, 7}},
                         {"twice", {}, {}, ElementType::real, {2, 4, 8, 6, 10, 18}}};
  fit.groups.push_back(posterior);
  return fit;
}

TEST(PriorFromPosterior, IsTheMeanAndTheFactorOfTheCovarianceOfTheDraws) {
  Data data;
  prior_from_posterior(data, "earlier", small_fit(), {"logit(p)", "mu"});
  EXPECT_EQ(data.labels().at("earlier"), (std::vector<std::string>{"logit(p)[a]", "logit(p)[b]", "mu"}));
  Square draws(6, 3);
  draws << 0.1, 0.2, 1, 0.3, 0.1, 2, 0.2, 0.5, 4, 0.4, 0.7, 3, 0.6, 0.3, 5, 0.8, 0.4, 9;
  draws.leftCols(2) = (draws.leftCols(2).array() / (1 - draws.leftCols(2).array())).log();
  const Vector mean = draws.colwise().mean();
  const Square rest = draws.rowwise() - mean.transpose(), covariance = rest.transpose() * rest / 5;
  const Square L = covariance.llt().matrixL();
  const Values &means = data.fields().at("earlier_mean").values, &factor = data.fields().at("earlier_factor").values;
  for (Eigen::Index i = 0; i < 3; ++i) {
    EXPECT_NEAR(means[std::size_t(i)], mean[i], 1e-14);
    for (Eigen::Index j = 0; j < 3; ++j) EXPECT_NEAR(factor[std::size_t(3 * i + j)], L(i, j), 1e-13);
  }
}

TEST(PriorFromPosterior, RefusesWhatIsNoNormalVector) {
  const auto refusal = [](const std::vector<std::string>& quantities, const std::vector<std::string>& parts) {
    Data data;
    try {
      prior_from_posterior(data, "before", small_fit(), quantities);
      ADD_FAILURE() << parts.front() << ": it was made";
    } catch (const SampleError& error) {
      for (const std::string& part : parts) EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refusal({"nu"}, {"no site 'nu'", "mu, p, W, same, twice"});
  refusal({"log(nu)"}, {"no site 'nu'"});
  refusal({"logit(mu)"}, {"logit(mu) is inf where 'mu' is 1", "real line"});
  refusal({"log(exp(mu))"}, {"no site 'exp(mu)'"});
  refusal({"mu", "same"}, {"same is the same in all draws"});
  refusal({"mu", "twice"}, {"twice is the same in all draws, or what those named before it determine"});
  refusal({"W", "p"}, {"6 draws", "of 6 quantities"});
  refusal({}, {"0 quantities"});
  Data data;
  prior_from_posterior(data, "before", small_fit(), {"mu"});
  EXPECT_THROW(prior_from_posterior(data, "before", small_fit(), {"mu"}), DataError);
  Fit no_posterior;
  EXPECT_THROW(prior_from_posterior(data, "other", no_posterior, {"mu"}), SampleError);
}

// ---- how a model reads it --------------------------------------------------------------------------------------------------

template <class F> struct Reads {
  Dim k, other;
  PosteriorNormal before;
  explicit Reads(Dataset& d) : k(d.dim("k", 2)), other(d.dim("other", 2)), before(F::bind(d, k)) {}
  template <class M> void operator()(M& m) const {
    auto x = m.param("x", mv_normal_cholesky(before.mean, before.factor), before.dim);
    F::read(m, *this, x);
  }
};
Data earlier() {
  Data data;
  data.set_labels("k", {"a", "b"});
  prior_from_posterior(data, "before", small_fit(), {"mu", "logit(p)"});
  return data;
}
template <class F> std::string refusal(const Data& data = earlier()) {
  try {
    const HostModel model(*model_table<Reads<F>>(), data);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "it was bound";
}
struct Rightly {
  static PosteriorNormal bind(Dataset& d, Dim k) { return d.posterior("before", {{"logit(p)", k}, {"mu"}}); }
  template <class M, class R, class X> static void read(M& m, const R& r, const X& x) {
    m.deterministic("p", r.k, [&](auto j) { return inverse_logit(x[r.before(0, j)]); });
    m.deterministic("mu", x[r.before[1]]);
  }
};
struct UnknownName : Rightly {
  static PosteriorNormal bind(Dataset& d, Dim) { return d.posterior("before", {{"tau"}}); }
};
struct WithoutItsLogarithm : Rightly {
  static PosteriorNormal bind(Dataset& d, Dim k) { return d.posterior("before", {{"p", k}, {"mu"}}); }
};
struct VectorAsNumber : Rightly {
  template <class M, class R, class X> static void read(M& m, const R& r, const X& x) { m.deterministic("p", x[r.before[0]]); }
};
struct AlongAnotherDimension : Rightly {
  template <class M, class R, class X> static void read(M& m, const R& r, const X& x) {
    m.deterministic("p", r.other, [&](auto j) { return x[r.before(0, j)]; });
  }
};

TEST(PriorFromPosterior, IsReadByNamesThatAreThere) {
  EXPECT_EQ(refusal<Rightly>(), "it was bound");
  const auto expect = [](const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect(refusal<UnknownName>(), "does not say what 'tau' is (it has: mu, logit(p)[a], logit(p)[b])");
  expect(refusal<WithoutItsLogarithm>(), "does not say what 'p[a]' is");
  expect(refusal<VectorAsNumber>(), "'x' is read at element -1");
  expect(refusal<AlongAnotherDimension>(), "quantity 0 of an earlier posterior is read with an index of another dimension");
  expect(refusal<Rightly>(Data()), "the data have no posterior 'before'");
  Data other_labels = earlier();
  other_labels.set_labels("k", {"a", "c"});
  expect(refusal<Rightly>(other_labels), "does not say what 'logit(p)[c]' is");
  Data negative = earlier();
  auto field = negative.fields().at("before_factor");
  field.values[4] = -1;
  negative.set("before_factor", field);
  expect(refusal<Rightly>(negative), "field 'before_factor' is -1 on its diagonal, in row 2");
}

}  // namespace
}  // namespace lockstep
