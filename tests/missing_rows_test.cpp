// Multivariate normal and Student t rows and vectors of which elements are missing: these are parameters, given the rest (rules §5).
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numbers>

#include "bound_model.hpp"
#include "expect_normal.hpp"
#include "goodness_of_fit.hpp"
#include "gradient_in_lanes.hpp"
#include "host/host_model.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

using Vector = Eigen::Matrix<long double, Eigen::Dynamic, 1>;
using Square = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;

enum class Form { cholesky, precision, covariance, low_rank };

// Rows by each form of a covariance.
template <Form form> struct Rows {
  Dim row, k, factor;
  Matrix y;
  explicit Rows(Dataset& d) : row(d.dim("row")), k(d.dim("k", 3)), factor(d.dim("factor", 2)), y(d.matrix("y", row, k)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 2), k);
    auto L = m.param("L", lkj_cholesky_cov(2, exponential(1)), k);
    auto W = m.param("W", normal(0, 1), k, factor);
    auto v = m.param("v", exponential(1), k);
    if constexpr (form == Form::cholesky) m.observe("y", y, row, [&](auto) { return mv_normal_cholesky(mu, L); });
    if constexpr (form == Form::precision) m.observe("y", y, row, [&](auto) { return mv_normal_precision_cholesky(mu, L); });
    if constexpr (form == Form::covariance)
      m.cholesky(k, [&](auto i, auto j) { return dot(L.row(i), L.row(j)) + delta(i, j) * v[i]; },
                 [&](const auto& C) { m.observe("y", y, row, [&](auto) { return mv_normal_cholesky(mu, C); }); });
    if constexpr (form == Form::low_rank) m.observe("y", y, row, [&](auto) { return mv_normal_low_rank(mu, W, v); });
  }
};

const std::vector<std::vector<double>> complete{
    {0.3, -0.7, 1.1}, {0.2, -0.4, 0.8}, {1.7, 2.2, 0.4}, {1.3, 0.1, -0.6}, {0.5, 0.9, -1.2}};
// One element, two, none, all of a row are missing.
const std::vector<int> lacking{1, 3, 5, 9, 10, 11, 14};

Data rows_without(const std::vector<int>& elements) {
  auto rows = complete;
  for (int e : elements) rows[std::size_t(e / 3)][std::size_t(e % 3)] = nan;
  Data data;
  data.set("y", rows);
  return data;
}

Vector vector_of(const Values& values) {
  Vector v(Eigen::Index(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) v[Eigen::Index(i)] = values[i];
  return v;
}
Square matrix_of(const Values& values, Eigen::Index columns) {
  Square a(Eigen::Index(values.size()) / columns, columns);
  for (std::size_t i = 0; i < values.size(); ++i) a(Eigen::Index(i) / columns, Eigen::Index(i) % columns) = values[i];
  return a;
}
template <Form form, class Model> Square covariance_of(const Bound<Model>& bound, const Values& values) {
  const Square L = matrix_of(bound.part(values, "L"), 3), W = matrix_of(bound.part(values, "W"), 2);
  const Vector v = vector_of(bound.part(values, "v"));
  if (form == Form::cholesky) return L * L.transpose();
  if (form == Form::precision) return (L * L.transpose()).inverse();
  if (form == Form::covariance) return L * L.transpose() + Square(v.asDiagonal());
  return W * W.transpose() + Square(v.asDiagonal());
}
// The log density of some elements, by the covariance's inverse and determinant.
double marginal(const Vector& y, const Vector& mean, const Square& covariance, const std::vector<int>& elements) {
  const Square part = covariance(elements, elements);
  const Vector rest = (y - mean)(elements);
  return double(-0.5L * (rest.dot(part.inverse() * rest) + std::log(part.determinant()))) -
         double(elements.size()) * log_sqrt_of_2pi;
}
std::vector<int> present(int row, const std::vector<int>& missing) {
  std::vector<int> elements;
  for (int k = 0; k < 3; ++k)
    if (std::find(missing.begin(), missing.end(), 3 * row + k) == missing.end()) elements.push_back(k);
  return elements;
}
Values log_prior_of(const auto& bound, const Values& position) {
  std::size_t events = 0;
  for (const SiteView& site : bound.sites()) events += site.kind == SiteKind::parameter ? std::size_t(site.events) : 0;
  Values out(events);
  bound.model.generate({Meaning::log_prior, position.data(), nullptr, 0, 0, 0, 0, nullptr, out.data()});
  return out;
}

template <Form form> void expect_conditioned() {
  SCOPED_TRACE(int(form));
  const Bound<Rows<form>> gaps(rows_without(lacking)), whole(rows_without({}));
  const std::size_t n = whole.coordinates();
  ASSERT_EQ(gaps.coordinates(), n + lacking.size());
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    Values x = some_position(n, seed), at_whole = x;
    for (int e : lacking) x.push_back(complete[std::size_t(e / 3)][std::size_t(e % 3)]);
    // Where what is missing has the values of the complete data, so has the joint density.
    const double density = whole.log_density(at_whole);
    EXPECT_NEAR(gaps.log_density(x), density, 1e-12 * std::abs(density));
    // Each row's log likelihood is the marginal density of what is there; with what is missing, the density of all.
    const Values values = gaps.constrain(x);
    const Vector mean = vector_of(gaps.part(values, "mu"));
    const Square covariance = covariance_of<form>(gaps, values);
    const Values pointwise = gaps.pointwise(x), of_whole = whole.pointwise(at_whole);
    ASSERT_EQ(pointwise.size(), 4u);   // row 3 has none
    for (int row : {0, 1, 2, 4}) {
      const double expected = marginal(vector_of(complete[std::size_t(row)]), mean, covariance, present(row, lacking));
      EXPECT_NEAR(pointwise[std::size_t(row == 4 ? 3 : row)], expected, 1e-10 * std::max(1., std::abs(expected))) << row;
    }
    const Values log_prior = log_prior_of(gaps, x);
    EXPECT_NEAR(sum(pointwise) + sum(Values(log_prior.end() - std::ptrdiff_t(lacking.size()), log_prior.end())), sum(of_whole),
                1e-10 * std::abs(sum(of_whole)));
    // The first missing element, of a row of which two are there: normal, by the formula for a conditional.
    const Square inverse = covariance({0, 2}, {0, 2}).inverse();
    const Vector across = covariance({0, 2}, 1), there = (vector_of(complete[0]) - mean)({0, 2});
    const double location = double(mean[1] + across.dot(inverse * there));
    const double variance = double(covariance(1, 1) - across.dot(inverse * across));
    const double z = (complete[0][1] - location) / std::sqrt(variance);
    EXPECT_NEAR(log_prior[log_prior.size() - lacking.size()], -0.5 * z * z - 0.5 * std::log(variance) - log_sqrt_of_2pi,
                1e-10 * std::max(1., z * z));
  }
}

TEST(MissingRows, AreConditionedOnWhatIsThereByEveryFormOfACovariance) {
  expect_conditioned<Form::cholesky>();
  expect_conditioned<Form::precision>();
  expect_conditioned<Form::covariance>();
  expect_conditioned<Form::low_rank>();
}

// Derivatives by what is there and by what is missing: the precision times the deviation. In lanes what the scalar oracle says.
template <Form form> void expect_gradient() {
  SCOPED_TRACE(int(form));
  const Data incomplete = rows_without(lacking), full = rows_without({});
  const HostModel gaps(*model_table<Rows<form>>(), incomplete), whole(*model_table<Rows<form>>(), full);
  const Bound<Rows<form>> bound(rows_without(lacking));
  const std::size_t n = std::size_t(whole.coordinates());
  Values x = some_position(n, 7), at_whole = x;
  for (int e : lacking) x.push_back(complete[std::size_t(e / 3)][std::size_t(e % 3)]);
  Values gradient(x.size()), of_whole(n);
  const double density = gaps.log_density(x.data(), gradient.data());
  whole.log_density(at_whole.data(), of_whole.data());
  for (std::size_t c = 0; c < n; ++c) EXPECT_NEAR(gradient[c], of_whole[c], 1e-11 * std::max(1., std::abs(of_whole[c]))) << c;
  const Values values = bound.constrain(x);
  const Vector mean = vector_of(bound.part(values, "mu"));
  const Square precision = covariance_of<form>(bound, values).inverse();
  for (std::size_t c = 0; c < lacking.size(); ++c) {
    const double expected = -double((precision * (vector_of(complete[std::size_t(lacking[c] / 3)]) - mean))[lacking[c] % 3]);
    EXPECT_NEAR(gradient[n + c], expected, 1e-9 * std::max(1., std::abs(expected))) << c;
  }
  GradientInLanes lanes(gaps);
  lanes.place(x);
  for (const bool mixed : {false, true}) {
    lanes.run(gaps, mixed ? gaps.table().log_density_gradient_mixed : gaps.table().log_density_gradient);
    const double tolerance = mixed ? 2e-5 : 1e-11;
    for (int lane = 0; lane < pack_width; ++lane) {
      EXPECT_NEAR(lanes.log_density[lane], density, tolerance * std::max(1., std::abs(density)));
      for (std::size_t k = 0; k < x.size(); ++k)
        EXPECT_NEAR(lanes.gradient.data()[k * std::size_t(pack_width) + std::size_t(lane)], gradient[k],
                    tolerance * std::max(10., std::abs(gradient[k]))) << k;
    }
  }
}
TEST(MissingRows, HaveTheGradientOfTheCompleteRows) {
  expect_gradient<Form::cholesky>();
  expect_gradient<Form::precision>();
  expect_gradient<Form::covariance>();
  expect_gradient<Form::low_rank>();
}

// Elements in any order, the others integrated out, of a covariance whose condition is 1e12.
TEST(MissingRows, LoseNoDigitsWhereElementsAreNearlyEqual) {
  const std::vector<double> mean{1, -2, 0.5, 3}, root{1, 0, 0, 0, 1, 1e-6, 0, 0, 1, -1e-6, 2e-6, 0, 0.5, 1e-6, 1e-6, 1e-6};
  const Square b = matrix_of(root, 4), covariance = b * b.transpose();
  const Vector z = vector_of({0.4, -1.3, 0.8, 0.1}), y = vector_of(mean) + b * z;
  const std::vector<std::vector<int>> orders{{3, 1}, {2, 0, 1}, {1, 2, 3, 0}};
  for (const std::vector<int>& order : orders) {
    EllipticalInOrder normal(mean, root, order), drawn(mean, root, order);
    double sum = 0;
    for (int e : order) sum += normal.log_density(double(y[e]));
    // Values that are rounded are that much elsewhere in units of 1e-6.
    Vector rounded = y.cast<double>().cast<long double>();
    EXPECT_NEAR(sum, marginal(rounded, vector_of(mean), covariance, order), 1e-7) << order.size();
    // A draw has the density of the standard normal numbers that it is made of.
    const std::vector<double> numbers{0.7, -0.2, 1.9, 0.3};
    double of_draw = 0, of_numbers = 0;
    EllipticalInOrder again(mean, root, order);
    for (std::size_t k = 0; k < order.size(); ++k) {
      of_draw += again.log_density(drawn.draw(numbers[k]));
      of_numbers += -0.5 * numbers[k] * numbers[k] - log_sqrt_of_2pi;
    }
    const Square part = covariance(order, order);
    EXPECT_NEAR(of_draw, of_numbers - 0.5 * double(std::log(part.determinant())), 1e-7);
  }
}

// ---- Student t rows --------------------------------------------------------------------------------------------------

struct StudentRows {
  Dim row, k;
  Matrix y;
  explicit StudentRows(Dataset& d) : row(d.dim("row")), k(d.dim("k", 3)), y(d.matrix("y", row, k)) {}
  template <class M> void operator()(M& m) const {
    auto nu = m.param("nu", gamma(2, 0.1));
    auto mu = m.param("mu", normal(0, 2), k);
    auto L = m.param("L", lkj_cholesky_cov(2, exponential(1)), k);
    m.observe("y", y, row, [&](auto) { return mv_student_t_cholesky(nu, mu, L); });
  }
};
// The elements' marginal density is Student t with that part of the scale matrix.
double student_marginal(double nu, const Vector& y, const Vector& mean, const Square& scale, const std::vector<int>& elements) {
  const Square part = scale(elements, elements);
  const Vector rest = (y - mean)(elements);
  const double n = double(elements.size()), q = double(rest.dot(part.inverse() * rest));
  return std::lgamma(0.5 * (nu + n)) - std::lgamma(0.5 * nu) - 0.5 * n * std::log(nu * std::numbers::pi) -
         0.5 * double(std::log(part.determinant())) - 0.5 * (nu + n) * std::log1p(q / nu);
}
TEST(MissingRows, OfStudentsDistributionAreConditionedToo) {
  const Bound<StudentRows> gaps(rows_without(lacking)), whole(rows_without({}));
  const std::size_t n = whole.coordinates();
  ASSERT_EQ(gaps.coordinates(), n + lacking.size());
  const Data incomplete = rows_without(lacking), full = rows_without({});
  const HostModel model(*model_table<StudentRows>(), incomplete), of_full(*model_table<StudentRows>(), full);
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    Values x = some_position(n, seed), at_whole = x;
    for (int e : lacking) x.push_back(complete[std::size_t(e / 3)][std::size_t(e % 3)]);
    const double density = whole.log_density(at_whole);
    EXPECT_NEAR(gaps.log_density(x), density, 1e-12 * std::abs(density));
    const Values values = gaps.constrain(x);
    const double nu = gaps.part(values, "nu")[0];
    const Vector mean = vector_of(gaps.part(values, "mu"));
    const Square L = matrix_of(gaps.part(values, "L"), 3), scale = L * L.transpose();
    const Values pointwise = gaps.pointwise(x), of_whole = whole.pointwise(at_whole);
    ASSERT_EQ(pointwise.size(), 4u);   // row 3 has none
    for (int row : {0, 1, 2, 4}) {
      const double expected = student_marginal(nu, vector_of(complete[std::size_t(row)]), mean, scale, present(row, lacking));
      EXPECT_NEAR(pointwise[std::size_t(row == 4 ? 3 : row)], expected, 1e-10 * std::max(1., std::abs(expected))) << row;
    }
    const Values log_prior = log_prior_of(gaps, x);
    EXPECT_NEAR(sum(pointwise) + sum(Values(log_prior.end() - std::ptrdiff_t(lacking.size()), log_prior.end())), sum(of_whole),
                1e-10 * std::abs(sum(of_whole)));
    // The gradient is that of complete rows, by what is missing too.
    Values gradient(x.size()), expected(n);
    model.log_density(x.data(), gradient.data());
    of_full.log_density(at_whole.data(), expected.data());
    for (std::size_t c = 0; c < n; ++c) EXPECT_NEAR(gradient[c], expected[c], 1e-11 * std::max(1., std::abs(expected[c]))) << c;
    for (std::size_t c = n; c < x.size(); ++c) {
      Values up = x, down = x;
      up[c] += 1e-5, down[c] -= 1e-5;
      EXPECT_NEAR(gradient[c], (gaps.log_density(up) - gaps.log_density(down)) / 2e-5, 1e-7 * std::max(1., std::abs(gradient[c])));
    }
  }
}
// Drawn given what is there, element 1 of row 0 by 0 and 2: Student t with two more degrees of freedom; all of row 3 from the whole.
TEST(MissingRows, OfStudentsDistributionAreDrawnFromTheirConditional) {
  const Bound<StudentRows> bound(rows_without(lacking));
  Sample given, alone;
  for (std::uint32_t d = 0; d < 10000; ++d) {
    const Values values = bound.prior(12, 0, d).values, missing = bound.part(values, "y_unobserved");
    const double nu = bound.part(values, "nu")[0];
    const Vector mean = vector_of(bound.part(values, "mu"));
    const Square L = matrix_of(bound.part(values, "L"), 3), scale = L * L.transpose(), inverse = scale({0, 2}, {0, 2}).inverse();
    const Vector across = scale({0, 2}, 1), there = (vector_of(complete[0]) - mean)({0, 2});
    const double location = double(mean[1] + across.dot(inverse * there));
    const double variance = double(scale(1, 1) - across.dot(inverse * across)), q = double(there.dot(inverse * there));
    const boost::math::students_t more(nu + 2), all(nu);
    given.push_back(cdf(more, (missing[0] - location) / std::sqrt(variance * (nu + q) / (nu + 2))));
    alone.push_back(cdf(all, double((missing[5] - mean[2]) / std::sqrt(scale(2, 2)))));   // element 2 of row 3, integrated over 0 and 1
  }
  const Cdf uniform_cdf = [](double p) { return p; };
  EXPECT_GT(kolmogorov_smirnov(given, uniform_cdf), 5e-4);
  EXPECT_GT(kolmogorov_smirnov(alone, uniform_cdf), 5e-4);
}

// ---- fits -----------------------------------------------------------------------------------------------------------

// Means with a normal prior, a known covariance: the posterior is normal, also of what is missing.
struct KnownCovariance {
  Dim row, k;
  Matrix y;
  explicit KnownCovariance(Dataset& d) : row(d.dim("row")), k(d.dim("k", 3)), y(d.matrix("y", row, k)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 2), k);
    m.cholesky(k, [&](auto i, auto j) { return 0.6 + 0.4 * delta(i, j); },
               [&](const auto& C) { m.observe("y", y, row, [&](auto) { return mv_normal_cholesky(mu, C); }); });
  }
};

TEST(MissingRows, HaveTheExactPosterior) {
  SampleOptions options;
  options.chains = 16;
  options.draws = 2000;
  options.seed = 20251126;
  const Fit fit = sample<KnownCovariance>(rows_without(lacking), options);
  const Square covariance = Square::Constant(3, 3, 0.6L) + 0.4L * Square::Identity(3, 3);
  // Of all that is unknown, mu and the missing elements, jointly with what is observed: mu ~ N(0, 4 I), rows N(mu, covariance).
  const Eigen::Index size = 3 + 15;
  Square joint = Square::Zero(size, size);
  for (Eigen::Index i = 0; i < size; ++i)
    for (Eigen::Index j = 0; j < size; ++j) {
      if (i % 3 == j % 3) joint(i, j) += 4;
      if (i >= 3 && i / 3 == j / 3) joint(i, j) += covariance(i % 3, j % 3);
    }
  std::vector<int> unknown{0, 1, 2}, known;
  Values observed;
  for (int e = 0; e < 15; ++e) {
    const bool missing = std::find(lacking.begin(), lacking.end(), e) != lacking.end();
    (missing ? unknown : known).push_back(3 + e);
    if (!missing) observed.push_back(complete[std::size_t(e / 3)][std::size_t(e % 3)]);
  }
  const Square inverse = joint(known, known).inverse(), gain = joint(unknown, known) * inverse;
  const Vector mean = gain * vector_of(observed);
  const Square posterior = joint(unknown, unknown) - gain * joint(known, unknown);
  // 20 comparisons, false alarm below 1e-3 in all.
  for (std::size_t u = 0; u < unknown.size(); ++u) {
    const Values draws = u < 3 ? draws_of(fit, "mu", u) : draws_of(fit, "y_unobserved", u - 3);
    expect_normal(fit, draws, double(mean[Eigen::Index(u)]), double(std::sqrt(posterior(Eigen::Index(u), Eigen::Index(u)))), 4.1);
  }
}

TEST(MissingRows, AreNamedInTheFitAndItsPredictions) {
  Data data = rows_without(lacking);
  data.set_labels("row", {"a", "b", "c", "d", "e"});
  SampleOptions options;
  options.chains = 4;
  options.warmup = 50;
  options.draws = 20;
  options.log_likelihood = options.predictive = true;
  const Fit fit = sample<KnownCovariance>(data, options);
  const std::size_t draws = 80;
  const Variable& imputed = fit.variable("posterior", "y_unobserved");
  EXPECT_EQ(imputed.shape, std::vector<std::size_t>{lacking.size()});
  const Variable& there = fit.variable("observed_data", "y_observed");
  EXPECT_EQ(there.values, (Values{0.3, 1.1, -0.4, 1.7, 2.2, 0.4, 0.5, 0.9}));
  EXPECT_EQ(fit.variable("posterior_predictive", "y_observed").values.size(), 8 * draws);
  EXPECT_TRUE(std::isnan(fit.variable("constant_data", "y").values[1]));
  const auto labels_of = [&](const std::string& dim) {
    for (const Dimension& each : fit.dimensions)
      if (each.name == dim) return each.labels;
    return std::vector<std::string>{"no such dimension"};
  };
  EXPECT_EQ(labels_of(imputed.dims[0]), (std::vector<std::string>{"a,1", "b,0", "b,2", "d,0", "d,1", "d,2", "e,2"}));
  // One entry for each row of which something is there.
  const Variable& log_likelihood = fit.variable("log_likelihood", "y_observed");
  EXPECT_EQ(log_likelihood.dims, std::vector<std::string>{"y_observed_row"});
  EXPECT_EQ(log_likelihood.values.size(), 4 * draws);
  EXPECT_EQ(labels_of("y_observed_row"), (std::vector<std::string>{"a", "b", "c", "e"}));
  const auto& notes = std::get<std::vector<std::string>>(fit.attributes.at("notes"));
  const std::string note = "'y' has 7 missing values, imputed as 'y_unobserved', without a log likelihood.";
  EXPECT_NE(std::find(notes.begin(), notes.end(), note), notes.end());
  // The fit's own data come back from its groups.
  EXPECT_EQ(predict<KnownCovariance>(fit).variable("posterior_predictive", "y_observed").values.size(), 8 * draws);
  // Nothing is missing in new data: there is nothing to impute. Where something is, it must be what it was in the fit.
  Data full = rows_without({});
  full.set_labels("row", {"a", "b", "c", "d", "e"});
  EXPECT_EQ(predict<KnownCovariance>(fit, full).variable("predictions", "y").values.size(), 15 * draws);
  // Every row has something: entries run along the rows.
  const Data every_row = rows_without({1, 5});
  const HostModel fewer(*model_table<KnownCovariance>(), every_row);
  EXPECT_EQ(fewer.log_likelihood(*find_site(fewer.layout(), "y_observed")).dims, std::vector<std::string>{"row"});
}

// A row is drawn anew as a whole: what is there has its marginal distribution, whatever was imputed beside it. A draw from the
// prior is one of what is missing and what is there together.
TEST(MissingRows, ArePredictedAnewAndDrawnTogetherFromThePrior) {
  const Bound<KnownCovariance> bound(rows_without(lacking));
  const Values position(bound.coordinates(), 5.);
  Sample first, difference;
  for (std::uint32_t d = 0; d < 10000; ++d) {
    const Values y = bound.predict(position, 3, 0, d);
    first.push_back(y[0] - 5);
    difference.push_back((y[1] - y[0]) / std::sqrt(0.8));    // elements 0 and 2 of row 0
  }
  const Cdf normal_cdf = [](double z) { return cdf(boost::math::normal(), z); };
  EXPECT_GT(kolmogorov_smirnov(first, normal_cdf), 5e-4);
  EXPECT_GT(kolmogorov_smirnov(difference, normal_cdf), 5e-4);
  PriorOptions options;
  options.draws = 10000;
  const Fit prior = sample_prior<KnownCovariance>(rows_without(lacking), options);
  const Values &gaps = prior.variable("prior", "y_unobserved").values, &mu = prior.variable("prior", "mu").values,
               &there = prior.variable("prior_predictive", "y_observed").values;
  Sample missing, given;
  for (std::size_t d = 0; d < prior.draws; ++d) {
    const double gap = gaps[d * lacking.size()] - mu[3 * d + 1];
    const double before = there[8 * d] - mu[3 * d], after = there[8 * d + 1] - mu[3 * d + 2];
    missing.push_back(gap);
    // Given two equally correlated ones: each counts 0.6/1.6, and 1 - 2 * 0.6 * 0.6/1.6 is left of the variance.
    given.push_back((gap - 0.375 * (before + after)) / std::sqrt(0.55));
  }
  EXPECT_GT(kolmogorov_smirnov(missing, normal_cdf), 5e-4);
  EXPECT_GT(kolmogorov_smirnov(given, normal_cdf), 5e-4);
  // Drawn given the data, as starts are: the same conditional, of what is there in the data.
  Sample imputed;
  for (std::uint32_t d = 0; d < 10000; ++d) {
    const auto drawn = bound.prior(11, 0, d);
    const Values m = bound.part(drawn.values, "mu");
    imputed.push_back((bound.part(drawn.values, "y_unobserved")[0] - m[1] - 0.375 * (0.3 - m[0] + 1.1 - m[2])) / std::sqrt(0.55));
  }
  EXPECT_GT(kolmogorov_smirnov(imputed, normal_cdf), 5e-4);
}

// ---- whole vectors ---------------------------------------------------------------------------------------------------

// Others read it.
struct OneVector {
  Dim k;
  Real y, z;
  explicit OneVector(Dataset& d) : k(d.dim("k")), y(d.real("y", k)), z(d.real("z", k)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 2));
    m.cholesky(k, [&](auto i, auto j) { return 0.6 + 0.4 * delta(i, j); }, [&](const auto& C) {
      auto complete = m.observe("y", y, mv_normal_cholesky(mu, C));
      m.observe("z", z, k, [&](auto i) { return normal(complete[i], 1); });
    });
  }
};
Data one_vector(const Values& y) {
  Data data;
  data.set("y", y);
  data.set("z", Values{1, 2, 3});
  return data;
}

TEST(MissingRows, AreAlsoOneVectorWhichOthersRead) {
  const Bound<OneVector> gaps(one_vector({0.4, nan, nan})), whole(one_vector({0.4, -0.3, 1.2}));
  EXPECT_NEAR(gaps.log_density({0.7, -0.3, 1.2}), whole.log_density({0.7}), 1e-12);
  const Data data = one_vector({0.4, nan, nan});
  const HostModel model(*model_table<OneVector>(), data);
  const Values x{0.7, -0.3, 1.2};
  Values gradient(3);
  model.log_density(x.data(), gradient.data());
  for (std::size_t c = 0; c < 3; ++c) {
    Values up = x, down = x;
    up[c] += 1e-5, down[c] -= 1e-5;
    EXPECT_NEAR(gradient[c], (gaps.log_density(up) - gaps.log_density(down)) / 2e-5, 1e-8) << c;
  }
  const Values pointwise = gaps.pointwise(x);
  ASSERT_EQ(pointwise.size(), 4u);
  EXPECT_NEAR(pointwise[0], -0.5 * 0.09 - log_sqrt_of_2pi, 1e-14);
  const Variable log_likelihood = model.log_likelihood(*find_site(model.layout(), "y_observed"));
  EXPECT_TRUE(log_likelihood.dims.empty());
  const auto edges = model.graph();
  const auto has = [&](const char* from, const char* to) {
    return std::find(edges.begin(), edges.end(), std::pair<std::string, std::string>{from, to}) != edges.end();
  };
  EXPECT_TRUE(has("mu", "y_unobserved") && has("mu", "y_observed") && has("y_unobserved", "z") && has("y_observed", "z"));
  // Nothing is there: no entry.
  const Bound<OneVector> empty(one_vector({nan, nan, nan}));
  EXPECT_EQ(empty.pointwise({0.7, 0.4, -0.3, 1.2}).size(), 3u);
  EXPECT_NEAR(empty.log_density({0.7, 0.4, -0.3, 1.2}), whole.log_density({0.7}), 1e-12);
}

// ---- actions and mistakes ----------------------------------------------------------------------------------------------

TEST(MissingRows, AreNoneWhereTheSiteIsDoneOrObserved) {
  Data done = rows_without(lacking), observed = done, full = rows_without({});
  Values values;
  for (const auto& row : complete) values.insert(values.end(), row.begin(), row.end());
  done.set_do("y", values);
  observed.set_observed("y", values);
  const HostModel with_do(*model_table<KnownCovariance>(), done), with_observe(*model_table<KnownCovariance>(), observed),
      usual(*model_table<KnownCovariance>(), full);
  ASSERT_EQ(with_do.coordinates(), 3);
  ASSERT_EQ(with_observe.coordinates(), 3);
  const Values x{0.3, -0.2, 0.5};
  EXPECT_NEAR(with_observe.log_density(x.data(), nullptr), usual.log_density(x.data(), nullptr), 1e-12);
  double prior = 0;
  for (double each : x) prior += -0.5 * each * each / 4 - std::log(2.) - log_sqrt_of_2pi;
  EXPECT_NEAR(with_do.log_density(x.data(), nullptr), prior, 1e-12);
}

template <class F> struct OneMatrix {
  Dim i, k;
  Matrix y;
  explicit OneMatrix(Dataset& d) : i(d.dim("i")), k(d.dim("k")), y(d.matrix("y", i, k)) {}
  template <class M> void operator()(M& m) const { F{}(m, *this); }
};
template <class F> void expect_refused(F, const std::vector<std::string>& parts) {
  SCOPED_TRACE(parts.front());
  Data data;
  data.set("y", std::vector<std::vector<double>>{{1, 2}, {0, nan}});
  const DataViews views(data);
  expect_model_error([&] { const BoundModel<OneMatrix<F>> model(views.view()); }, parts);
}

TEST(MissingRows, AreRefusedOfOtherDistributionsAndInPredictors) {
  const std::string site = "site 'y' is NaN at element [2, 2]";
  expect_refused([](auto& m, const auto& d) {
    m.observe("y", d.y, d.i, [&](auto) { return gaussian_random_walk(0, 1, normal(0, 1)); });
  }, {site, "normal"});
  expect_refused([](auto& m, const auto& d) {
    auto A = m.let("A", d.i, d.i, [&](auto i, auto j) { return delta(i, j); });
    auto B = m.let("B", d.k, d.k, [&](auto i, auto j) { return delta(i, j); });
    m.observe("y", d.y, matrix_normal(0, A, B));
  }, {site, "normal"});
  expect_refused([](auto& m, const auto& d) {
    auto b = m.param("b", normal(0, 1), d.k);
    auto eta = m.linear(d.y, b);
    m.potential("p", d.i, [&](auto i) { return -square(eta[i]); });
  }, {"field 'y' is NaN at element [2, 2]", "predictors"});
}

}  // namespace
}  // namespace lockstep
