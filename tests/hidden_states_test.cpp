// Hidden states that choose rows of matrices, or what several series of one chain are; states that are done or observed; gaps; labels
// that distributions sum over. All against enumeration (rules §5).
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "bound_model.hpp"
#include "densities.hpp"
#include "goodness_of_fit.hpp"
#include "gradient_in_lanes.hpp"
#include "host/host_model.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

// Of each test of draws; twelve of them at 1e-4 each, one fixed seed.
constexpr int draws = 20000;
constexpr double level = 1e-4;

using Row = std::array<double, 2>;

// By the lower triangle of L, row after row.
double density_of_row(const Row& y, const double* mu, const double* L) {
  const double z = (y[0] - mu[0]) / L[0], rest = y[1] - mu[1] - L[2] * z;
  return normal_density(z, 0, 1) * normal_density(rest, 0, L[3]) / L[0];
}
double student_t_density(double y, double nu) {
  return std::exp(std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2)) / std::sqrt(nu * M_PI) * std::pow(1 + y * y / nu, -(nu + 1) / 2);
}
double standard_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.)); }

const std::vector<Values> rows{{0.3, -0.4}, {1.8, 2.1}, {0.9, -0.2}, {2.2, 0.4}, {-0.7, 1.1}};
Row row(std::size_t i) { return {rows[i][0], rows[i][1]}; }
std::vector<Values> rows_without(const std::vector<std::size_t>& missing) {
  std::vector<Values> result = rows;
  for (std::size_t i : missing) result[i] = {nan, nan};
  return result;
}

// The same log density and gradient by one lane and by all lanes of a pack, and differences of it.
void expect_gradient(const HostModel& model, const Values& position) {
  const std::size_t n = position.size();
  Values gradient(n);
  const double density = model.log_density(position.data(), gradient.data());
  for (std::size_t c = 0; c < n; ++c) {
    Values up = position, down = position;
    up[c] += 1e-5, down[c] -= 1e-5;
    EXPECT_NEAR(gradient[c], (model.log_density(up.data(), nullptr) - model.log_density(down.data(), nullptr)) / 2e-5, 1e-7) << c;
  }
  GradientInLanes lanes(model);
  lanes.place(position);
  for (const bool mixed : {false, true}) {
    lanes.run(model, mixed ? model.table().log_density_gradient_mixed : model.table().log_density_gradient);
    const double tolerance = mixed ? 1e-4 : 1e-12;
    for (std::size_t lane = 0; lane < std::size_t(pack_width); ++lane) {
      EXPECT_NEAR(lanes.log_density[lane], density, tolerance * std::max(1., std::abs(density)));
      for (std::size_t k = 0; k < n; ++k)
        EXPECT_NEAR(lanes.gradient.data()[k * std::size_t(pack_width) + lane], gradient[k], tolerance * std::max(1., std::abs(gradient[k])));
    }
  }
}
template <class Model> Values recovered(const Bound<Model>& bound, std::size_t count, const Values& position, std::uint32_t draw) {
  Values out(count);
  bound.model.generate({Meaning::states, position.data(), nullptr, 11, 0, draw, 0, nullptr, out.data()});
  return out;
}

// ---- a mixture of normal vectors, each component with a covariance of its own -------------------------------------------------

struct VectorMixture {
  Dim i, state, column;
  Matrix X;
  explicit VectorMixture(Dataset& d) : i(d.dim("i")), state(d.dim("state", 2)), column(d.dim("column")), X(d.matrix("X", i, column)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1), state);
    auto mu = m.param("mu", normal(0, 2), state, column);
    auto narrow = m.param("narrow", lkj_cholesky_cov(2, exponential(1)), column), wide = m.param("wide", lkj_cholesky_cov(2, exponential(1)), column);
    m.mixture("X", X, i, state, w, [&](auto, auto k) { return mv_normal_cholesky(mu.row(k), k.position == 0 ? narrow : wide); });
  }
};
const Values vector_position{0.4, 0.2, -0.5, 1.7, 1.1, -0.6, 0.3, -0.2, 0.4, 0.1, 0.6};
Data vectors(const std::vector<Values>& values = rows) {
  Data data;
  data.set("X", values);
  return data;
}
struct VectorJoint {   // of a row and its state
  Values w, mu, narrow, wide;
  template <class Model> VectorJoint(const Bound<Model>& bound, const Values& values)
      : w(bound.part(values, "w")), mu(bound.part(values, "mu")), narrow(bound.part(values, "narrow")), wide(bound.part(values, "wide")) {}
  double density(std::size_t i, std::size_t k) const { return density_of_row(row(i), &mu[2 * k], (k == 0 ? narrow : wide).data()); }
  double operator()(std::size_t i, std::size_t k) const { return w[k] * density(i, k); }
};

TEST(HiddenStates, OfRowsAreSummedAndRecoveredAsEnumerated) {
  const Bound<VectorMixture> bound(vectors());
  const VectorJoint joint(bound, bound.constrain(vector_position));
  const Values log_likelihood = bound.pointwise(vector_position);
  ASSERT_EQ(log_likelihood.size(), 5u);   // one entry for each row
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(log_likelihood[i], std::log(joint(i, 0) + joint(i, 1)), 1e-13);
  Data done = vectors();
  done.set_do("X", Values(10, 0.));
  EXPECT_NEAR(bound.log_density(vector_position) - Bound<VectorMixture>(done).log_density(vector_position), sum(log_likelihood), 1e-12);
  Sample third;
  for (std::uint32_t d = 0; d < draws; ++d) third.push_back(bound.part(bound.states(vector_position, d), "X_state")[2]);
  const double first = joint(2, 0) / (joint(2, 0) + joint(2, 1));
  EXPECT_GT(chi_square(third, [&](double k) { return k == 0 ? first : k == 1 ? 1 - first : 0; }), level);
  EXPECT_LT(chi_square(third, [&](double k) { return k == 0 ? joint.w[0] : k == 1 ? joint.w[1] : 0; }), level);   // it can fail
}

TEST(HiddenStates, OfRowsAndTheRowsArePredictedTogether) {
  const Bound<VectorMixture> bound(vectors());
  Values parameters = bound.parameters(bound.constrain(vector_position));
  parameters[0] = 0.3, parameters[1] = 0.7;
  parameters[2] = parameters[3] = -50, parameters[4] = parameters[5] = 50;
  const Values position = bound.unconstrain(parameters);
  double second = 0;
  for (std::uint32_t d = 0; d < 1000; ++d) {
    const Values drawn = bound.predict(position, 5, 0, d), state = bound.part(drawn, "X_state"), X = bound.part(drawn, "X");
    for (std::size_t e = 0; e < 10; ++e) ASSERT_LT(std::abs(X[e] - (state[e / 2] == 0 ? -50 : 50)), 20);
    second += sum(state) / 5000;
  }
  EXPECT_NEAR(second, 0.7, 4.5 * std::sqrt(0.3 * 0.7 / 5000));  // false alarm: 7e-6
}

TEST(HiddenStates, OfRowsAreSummedWhereRowsAreMissing) {
  const Data data = vectors(rows_without({1, 3}));
  const Bound<VectorMixture> bound(data), whole(vectors());
  const Values all = whole.pointwise(vector_position), log_likelihood = bound.pointwise(vector_position);
  ASSERT_EQ(log_likelihood.size(), 3u);
  for (const auto& [i, of] : {std::pair{0u, 0u}, {1u, 2u}, {2u, 4u}}) EXPECT_NEAR(log_likelihood[i], all[of], 1e-13);
  EXPECT_NEAR(bound.log_density(vector_position), whole.log_density(vector_position) - all[1] - all[3], 1e-12);
  const HostModel model(*model_table<VectorMixture>(), data);
  expect_gradient(model, vector_position);
  // A row that is missing is drawn from the mixture: its state, and the row given that.
  const VectorJoint joint(bound, bound.constrain(vector_position));
  ASSERT_EQ(model.values(Meaning::states), 5u + 4);
  Sample states, standard;
  for (std::uint32_t d = 0; d < draws; ++d) {
    const Values out = recovered(bound, 9, vector_position, d);
    states.push_back(out[3]);
    const std::size_t k = std::size_t(out[3]);
    standard.push_back((out[7] - joint.mu[2 * k]) / (k == 0 ? joint.narrow : joint.wide)[0]);
  }
  EXPECT_GT(chi_square(states, [&](double k) { return k < 2 ? joint.w[std::size_t(k)] : 0; }), level);
  EXPECT_GT(kolmogorov_smirnov(standard, standard_cdf), level);
  std::vector<Values> partly = rows;
  partly[1][1] = nan;
  expect_model_error([&] { const Bound<VectorMixture> refused(vectors(partly)); }, {"site 'X' is NaN at element [2, 2]", "whole"});
}

TEST(HiddenStates, ThatAreGivenLeaveEachRowItsComponent) {
  const Values known{0, 1, 1, 0, 1};
  Data done = vectors(), seen = vectors();
  done.set_do("X_state", known);
  seen.set_observed("X_state", known);
  const Bound<VectorMixture> by_do(done), by_observe(seen), free(vectors());
  const VectorJoint joint(free, free.constrain(vector_position));
  double likelihood = 0, prior = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    likelihood += std::log(joint.density(i, std::size_t(known[i])));
    prior += std::log(joint.w[std::size_t(known[i])]);
  }
  EXPECT_NEAR(sum(by_do.pointwise(vector_position)), likelihood, 1e-12);
  EXPECT_NEAR(sum(by_observe.pointwise(vector_position)), likelihood + prior, 1e-12);
  const double sums = sum(free.pointwise(vector_position));
  const auto density = [](const Data& data) { return HostModel(*model_table<VectorMixture>(), data).log_density(vector_position.data(), nullptr); };
  EXPECT_NEAR(density(done) - density(vectors()), likelihood - sums, 1e-12);
  EXPECT_NEAR(density(seen) - density(vectors()), likelihood + prior - sums, 1e-12);
  expect_gradient(HostModel(*model_table<VectorMixture>(), done), vector_position);
  expect_gradient(HostModel(*model_table<VectorMixture>(), seen), vector_position);
  Data wrong = vectors();
  wrong.set_do("X_state", {0, 1, 2, 0, 1});
  expect_model_error([&] { const Bound<VectorMixture> bound(wrong); }, {"'X_state' is 2", "at element 3", "0 to 1"});
}

struct DifferentRows : VectorMixture {
  using VectorMixture::VectorMixture;
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", lkj_cholesky_cov(2, exponential(1)), column), b = m.param("b", lkj_cholesky_cov(2, exponential(1)), column);
    m.mixture("X", X, i, state, 0.5, [&](auto j, auto) { return mv_normal_cholesky(0, j.position == 0 ? a : b); });
  }
};
TEST(HiddenStates, OfRowsDoNotHaveCovariancesByRow) {
  expect_model_error([] { const Bound<DifferentRows> bound(vectors()); }, {"site 'X' has rows", "covariances"});
}

// ---- two series of one chain: rows, and counts ----------------------------------------------------------------------------------

struct TwoSeries {
  Dim time, state, column;
  Matrix X;
  Real n;
  explicit TwoSeries(Dataset& d)
      : time(d.dim("time")), state(d.dim("state", 2)), column(d.dim("column")), X(d.matrix("X", time, column)), n(d.real("n", time)) {}
  template <class M> void operator()(M& m) const {
    auto start = m.param("start", dirichlet(1), state);
    auto p = m.param("p", dirichlet(2), state, state);
    auto mu = m.param("mu", normal(0, 2), state, column);
    auto L = m.param("L", lkj_cholesky_cov(2, exponential(1)), column);
    auto rate = m.param("rate", exponential(0.5), state);
    m.hidden_markov("z", time, state, start, p, [&](const auto& given) {
      given.observe("X", X, time, [&](auto, auto k) { return mv_normal_cholesky(mu.row(k), L); });
      given.observe("n", n, time, [&](auto, auto k) { return poisson(rate[k]); });
    });
  }
};
const Values counts{1, 4, 0, 3, 2};
const Values series_position{0.3, -0.4, 0.6, 0.2, -0.5, 1.2, 0.9, 0.4, -0.3, 0.1, -0.4, 0.9};
Data two_series(const std::vector<std::size_t>& missing_rows = {}, const std::vector<std::size_t>& missing_counts = {}) {
  Data data;
  data.set("X", rows_without(missing_rows));
  Values n = counts;
  for (std::size_t t : missing_counts) n[t] = nan;
  data.set("n", n);
  return data;
}
struct Path {   // the densities of a path, states by bits, and of what is there
  Values start, p, mu, L, rate;
  template <class Model> Path(const Bound<Model>& bound, const Values& values)
      : start(bound.part(values, "start")), p(bound.part(values, "p")), mu(bound.part(values, "mu")), L(bound.part(values, "L")),
        rate(bound.part(values, "rate")) {}
  static std::size_t state(int path, std::size_t t) { return std::size_t(path >> t & 1); }
  double prior(int path) const {
    double density = start[state(path, 0)];
    for (std::size_t t = 1; t < 5; ++t) density *= p[2 * state(path, t - 1) + state(path, t)];
    return density;
  }
  double likelihood(int path, const std::vector<std::size_t>& missing_rows = {}, const std::vector<std::size_t>& missing_counts = {}) const {
    double density = 1;
    for (std::size_t t = 0; t < 5; ++t) {
      const std::size_t k = state(path, t);
      if (std::ranges::find(missing_rows, t) == missing_rows.end()) density *= density_of_row(row(t), &mu[2 * k], L.data());
      if (std::ranges::find(missing_counts, t) == missing_counts.end()) density *= poisson_mass(counts[t], rate[k]);
    }
    return density;
  }
};

TEST(HiddenStates, OfAChainWithTwoSeriesAreSummedAndRecoveredAsEnumerated) {
  using Times = std::vector<std::size_t>;
  for (const auto& [no_row, no_count] : std::vector<std::pair<Times, Times>>{{{}, {}}, {{0, 3}, {3, 4}}}) {
    SCOPED_TRACE(no_row.size());
    const Data data = two_series(no_row, no_count);
    const Bound<TwoSeries> bound(data);
    const HostModel model(*model_table<TwoSeries>(), data);
    const Path path(bound, bound.constrain(series_position));
    Values joint;
    for (int states = 0; states < 32; ++states) joint.push_back(path.prior(states) * path.likelihood(states, no_row, no_count));
    const Values log_likelihood = bound.pointwise(series_position);
    ASSERT_EQ(log_likelihood.size(), 5u);   // each time's, given those before, of both series
    EXPECT_NEAR(sum(log_likelihood), std::log(sum(joint)), 1e-12);
    Data done = two_series();
    done.set_do("X", Values(10, 0.));
    done.set_do("n", Values(5, 0.));
    EXPECT_NEAR(bound.log_density(series_position) - HostModel(*model_table<TwoSeries>(), done).log_density(series_position.data(), nullptr),
                std::log(sum(joint)), 1e-12);
    expect_gradient(model, series_position);
    Sample paths;
    for (std::uint32_t d = 0; d < draws; ++d) {
      const Values out = recovered(bound, model.values(Meaning::states), series_position, d);
      int drawn = 0;
      for (int t = 0; t < 5; ++t) drawn |= int(out[std::size_t(t)]) << t;
      paths.push_back(drawn);
    }
    EXPECT_GT(chi_square(paths, [&](double z) { return z < 32 ? joint[std::size_t(z)] / sum(joint) : 0; }), level);
  }
}

TEST(HiddenStates, OfAChainThatAreGivenLeaveItsSeriesAsTheyAre) {
  const Values known{0, 1, 1, 0, 1};
  const int as_path = 0b10110;
  Data done = two_series({2}, {}), seen = done;
  done.set_do("z", known);
  seen.set_observed("z", known);
  const Bound<TwoSeries> by_do(done), by_observe(seen), free(two_series({2}, {}));
  const Path path(free, free.constrain(series_position));
  const double likelihood = std::log(path.likelihood(as_path, {2}, {})), prior = std::log(path.prior(as_path));
  EXPECT_NEAR(sum(by_do.pointwise(series_position)), likelihood, 1e-12);
  EXPECT_EQ(by_do.pointwise(series_position).size(), 9u);   // then each row and each count counts for itself
  EXPECT_NEAR(sum(by_observe.pointwise(series_position)), likelihood + prior, 1e-12);
  const HostModel with_do(*model_table<TwoSeries>(), done), with_observe(*model_table<TwoSeries>(), seen);
  const double difference = likelihood - sum(free.pointwise(series_position)), usual = free.log_density(series_position);
  EXPECT_NEAR(with_do.log_density(series_position.data(), nullptr) - usual, difference, 1e-12);
  EXPECT_NEAR(with_observe.log_density(series_position.data(), nullptr) - usual, difference + prior, 1e-12);
  expect_gradient(with_do, series_position);
  expect_gradient(with_observe, series_position);
}

TEST(HiddenStates, ComeBackWithWhatIsMissingInAFit) {
  SampleOptions options;
  options.chains = 4;
  options.warmup = 50;
  options.draws = 10;
  options.log_likelihood = options.predictive = true;
  const Fit fit = sample<TwoSeries>(two_series({1}, {0, 4}), options);
  ASSERT_EQ(fit.group("log_likelihood").variables.size(), 1u);
  EXPECT_EQ(fit.group("log_likelihood").variables[0].name, "z");
  EXPECT_EQ(fit.variable("observed_data", "X_observed").values.size(), 8u);
  EXPECT_EQ(fit.variable("posterior_predictive", "n_observed").values.size(), 3u * 40);
  EXPECT_EQ(fit.variable("posterior_predictive", "z").values.size(), 5u * 40);
  const Fit states = recover_states<TwoSeries>(fit, 5);
  EXPECT_EQ(states.group("states").variables.size(), 3u);
  EXPECT_EQ(states.variable("states", "z").values.size(), 5u * 40);
  EXPECT_EQ(states.variable("states", "X_unobserved").values.size(), 2u * 40);
  EXPECT_EQ(states.variable("states", "n_unobserved").values.size(), 2u * 40);
  EXPECT_EQ(predict<TwoSeries>(fit).variable("posterior_predictive", "X_observed").values.size(), 8u * 40);
  // What is done to a chain by its name holds in a prediction.
  Data done;
  done.set_do("z", Values{1, 1, 1, 1, 1});
  const Fit predicted = predict<TwoSeries>(fit, done);
  EXPECT_EQ(predicted.variable("predictions", "n_observed").values.size(), 3u * 40);
  EXPECT_EQ(predicted.variable("predictions_constant_data", "z").values, (Values{1, 1, 1, 1, 1}));
}

// ---- one series: its states by its name -----------------------------------------------------------------------------------------

struct OneSeriesChain {
  Dim time, state;
  Real y;
  explicit OneSeriesChain(Dataset& d) : time(d.dim("time")), state(d.dim("state", 2)), y(d.real("y", time)) {}
  template <class M> void operator()(M& m) const {
    auto start = m.param("start", dirichlet(1), state);
    auto a = m.param("a", beta(2, 2));
    auto mu = m.param("mu", normal(0, 2), state);
    m.hidden_markov("y", y, time, state, start, [&](auto, auto from, auto to) { return delta(from, to) * (1 - 2 * a) + a; },
                    [&](auto, auto k) { return normal(mu[k], 1); });
  }
};
TEST(HiddenStates, OfASeriesAreDoneAndObservedByItsName) {
  const Values y{0.3, 1.8, -0.4, 2.1}, known{0, 1, 1, 0}, position{0.3, -0.6, 0.2, 1.4};
  Data data;
  data.set("y", y);
  Data done = data, seen = data;
  done.set_do("y_state", known);
  seen.set_observed("y_state", known);
  const Bound<OneSeriesChain> free(data), by_do(done), by_observe(seen);
  const Values values = free.constrain(position), start = free.part(values, "start"), mu = free.part(values, "mu");
  const double a = free.part(values, "a")[0], prior = std::log(start[0] * a * (1 - a) * a);
  double likelihood = 0;
  for (std::size_t t = 0; t < 4; ++t) likelihood += std::log(normal_density(y[t], mu[std::size_t(known[t])], 1));
  EXPECT_NEAR(sum(by_do.pointwise(position)), likelihood, 1e-12);
  EXPECT_NEAR(sum(by_observe.pointwise(position)), likelihood + prior, 1e-12);
  const HostModel with_do(*model_table<OneSeriesChain>(), done), with_observe(*model_table<OneSeriesChain>(), seen);
  const double rest = free.log_density(position) - sum(free.pointwise(position));
  EXPECT_NEAR(with_do.log_density(position.data(), nullptr), rest + likelihood, 1e-12);
  EXPECT_NEAR(with_observe.log_density(position.data(), nullptr), rest + likelihood + prior, 1e-12);
  expect_gradient(with_do, position);
  expect_gradient(with_observe, position);
  // States that are observed without what they emit.
  Data alone = seen;
  alone.set_do("y", y);
  EXPECT_NEAR(HostModel(*model_table<OneSeriesChain>(), alone).log_density(position.data(), nullptr), rest + prior, 1e-12);
  EXPECT_NEAR(sum(Bound<OneSeriesChain>(alone).pointwise(position)), prior, 1e-12);
}

TEST(HiddenStates, StandBetweenWhatTheyReadAndWhatReadsThem) {
  using EdgeList = std::vector<std::pair<std::string, std::string>>;
  Data data, done;
  data.set("y", {0.3, 1.8});
  done = data;
  done.set_do("y_state", {0, 1});
  const EdgeList edges{{"a", "y_state"}, {"mu", "y"}, {"start", "y_state"}, {"y_state", "y"}};
  EXPECT_EQ(HostModel(*model_table<OneSeriesChain>(), data).graph(), edges);
  EXPECT_EQ(HostModel(*model_table<OneSeriesChain>(), done).graph(), (EdgeList{{"mu", "y"}, {"y_state", "y"}}));
}

// Gaps of a mixture of numbers, and its states.
struct NumberMixture {
  Dim i, state;
  Real y;
  explicit NumberMixture(Dataset& d) : i(d.dim("i")), state(d.dim("state", 2)), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1), state);
    auto mu = m.param("mu", normal(0, 2), state);
    m.mixture("y", y, i, state, w, [&](auto, auto k) { return normal(mu[k], 1); });
  }
};
TEST(HiddenStates, OfNumbersAreSummedWhereTheseAreMissingAndCanBeGiven) {
  const Values position{0.7, -0.8, 1.3};
  Data data, gaps;
  data.set("y", {0.3, 1.8, -0.4});
  gaps.set("y", {0.3, nan, -0.4});
  const Bound<NumberMixture> whole(data), bound(gaps);
  const Values with = whole.pointwise(position), log_likelihood = bound.pointwise(position);
  ASSERT_EQ(log_likelihood.size(), 2u);
  EXPECT_NEAR(bound.log_density(position), whole.log_density(position) - with[1], 1e-13);
  expect_gradient(HostModel(*model_table<NumberMixture>(), gaps), position);
  const Values values = bound.constrain(position), w = bound.part(values, "w"), mu = bound.part(values, "mu");
  Sample states, deviations;
  for (std::uint32_t d = 0; d < draws; ++d) {
    const Values out = recovered(bound, 4, position, d);
    states.push_back(out[1]);
    deviations.push_back(out[3] - mu[std::size_t(out[1])]);
  }
  EXPECT_GT(chi_square(states, [&](double k) { return k < 2 ? w[std::size_t(k)] : 0; }), level);
  EXPECT_GT(kolmogorov_smirnov(deviations, standard_cdf), level);
  Data seen = gaps;
  seen.set_observed("y_state", {0, 1, 1});
  const double expected = std::log(w[0] * w[1] * w[1] * normal_density(0.3, mu[0], 1) * normal_density(-0.4, mu[1], 1));
  EXPECT_NEAR(sum(Bound<NumberMixture>(seen).pointwise(position)), expected, 1e-13);
  EXPECT_NEAR(HostModel(*model_table<NumberMixture>(), seen).log_density(position.data(), nullptr),
              bound.log_density(position) - sum(log_likelihood) + expected, 1e-12);
}

// ---- labels that distributions sum over -----------------------------------------------------------------------------------------

struct Labels {
  Dim i;
  Real y, positive;
  Integer n;
  explicit Labels(Dataset& d) : i(d.dim("i")), y(d.real("y", i)), positive(d.real("positive", i)), n(d.integer("n", i)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", beta(1, 1));
    m.observe("y", y, i.from(1), [&](auto) { return mixture(component(p, normal(0, 1)), component(1 - p, student_t(3, 0, 1))); });
    m.observe("n", n, i, [&](auto) { return zero_inflated_poisson(p, 1.5); });
    m.observe("positive", positive, i, [&](auto) { return hurdle_gamma(p, 2, 1); });
  }
};
TEST(HiddenStates, OfDistributionsAreRecovered) {
  Data data;
  data.set("y", {0.1, 2.5, 0.3});
  data.set("n", {0, 0, 2});
  data.set("positive", {0, 1.2, 0});
  const Bound<Labels> bound(data);
  const HostModel model(*model_table<Labels>(), data);
  const Values position{0.4};
  const double p = bound.part(bound.constrain(position), "p")[0];
  ASSERT_EQ(model.values(Meaning::states), 2u + 3 + 3);   // the first y is given
  Sample heavy, base;
  for (std::uint32_t d = 0; d < draws; ++d) {
    const Values out = recovered(bound, 8, position, d);
    heavy.push_back(out[0]);
    base.push_back(out[3]);
    EXPECT_EQ(out[4], 1);                                        // a count above 0 is from the base
    EXPECT_EQ((Values{out[5], out[6], out[7]}), (Values{0, 1, 0}));
  }
  const double normal_share = p * normal_density(2.5, 0, 1), t_share = (1 - p) * student_t_density(2.5, 3);
  EXPECT_GT(chi_square(heavy, [&](double k) { return (k == 0 ? normal_share : k == 1 ? t_share : 0) / (normal_share + t_share); }), level);
  const double from_base = p * std::exp(-1.5), zero = from_base + 1 - p;
  EXPECT_GT(chi_square(base, [&](double k) { return (k == 0 ? 1 - p : k == 1 ? from_base : 0) / zero; }), level);
  SampleOptions options;
  options.chains = 4;
  options.warmup = 50;
  options.draws = 5;
  const Fit states = recover_states<Labels>(sample<Labels>(data, options), 5);
  EXPECT_EQ(states.variable("states", "y_state").values.size(), 2u * 20);
  EXPECT_EQ(states.variable("states", "n_state").dims, std::vector<std::string>{"i"});
  EXPECT_EQ(states.variable("states", "positive_state").values.size(), 3u * 20);
}

// Of priors, given the parameter's value; of numbers, data and parameters.
struct LabelsOfPriors {
  Dim i, j;
  Real y;
  RealScalar one;
  explicit LabelsOfPriors(Dataset& d) : i(d.dim("i")), j(d.dim("j", 2)), y(d.real("y", i)), one(d.scalar("one")) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", beta(1, 1));
    auto number = m.param("number", mixture(component(p, normal(0, 1)), component(1 - p, student_t(3, 0, 1))));
    auto each = m.param("each", i, [&](auto k) { return mixture(component(0.7, normal(y[k], 1)), component(0.3, student_t(3, 0, 1))); });
    m.param("table", mixture(component(0.5, normal(0, 1)), component(0.5, student_t(3, 0, 1))), i, j);
    m.observe("y", y, i, [&](auto k) { return normal(each[k] + number, 1); });
    m.observe("one", one, mixture(component(p, normal(0, 1)), component(1 - p, student_t(3, 0, 1))));
  }
};
TEST(HiddenStates, OfPriorsAndOfNumbersAreRecovered) {
  Data data;
  data.set("y", {0.1, 2.5, 0.3});
  data.set("one", -2.2);
  const Bound<LabelsOfPriors> bound(data);
  const HostModel model(*model_table<LabelsOfPriors>(), data);
  const Values position{0.4, 1.9, 0.2, -1.4, 3, 0, 0, 0, 0, 0, 0};
  const double p = bound.part(bound.constrain(position), "p")[0];
  ASSERT_EQ(model.values(Meaning::states), 1u + 3 + 6 + 3 + 1);   // number, each, table, y as it is, one
  const auto mass = [](double first, double second) {
    return [=](double k) { return (k == 0 ? first : k == 1 ? second : 0) / (first + second); };
  };
  Sample of_number, of_second, of_one;
  for (std::uint32_t d = 0; d < draws; ++d) {
    const Values out = recovered(bound, 14, position, d);
    of_number.push_back(out[0]);
    of_second.push_back(out[2]);
    of_one.push_back(out[13]);
    EXPECT_EQ((Values{out[10], out[11], out[12]}), (Values{0.1, 2.5, 0.3}));
  }
  EXPECT_GT(chi_square(of_number, mass(p * normal_density(1.9, 0, 1), (1 - p) * student_t_density(1.9, 3))), level);
  EXPECT_GT(chi_square(of_second, mass(0.7 * normal_density(-1.4, 2.5, 1), 0.3 * student_t_density(-1.4, 3))), level);
  EXPECT_GT(chi_square(of_one, mass(p * normal_density(2.2, 0, 1), (1 - p) * student_t_density(2.2, 3))), level);
  SampleOptions options;
  options.chains = 4;
  options.warmup = 50;
  options.draws = 5;
  const Fit states = recover_states<LabelsOfPriors>(sample<LabelsOfPriors>(data, options), 5);
  ASSERT_EQ(states.group("states").variables.size(), 4u);
  EXPECT_TRUE(states.variable("states", "number_state").dims.empty() && states.variable("states", "one_state").dims.empty());
  EXPECT_EQ(states.variable("states", "number_state").values.size(), 20u);
  EXPECT_EQ(states.variable("states", "each_state").dims, std::vector<std::string>{"i"});
  EXPECT_EQ(states.variable("states", "table_state").values.size(), 6u * 20);
  for (const Variable& each : states.group("states").variables)
    EXPECT_TRUE(std::ranges::all_of(each.values, [](double k) { return k == 0 || k == 1; })) << each.name;
}

}  // namespace
}  // namespace lockstep
