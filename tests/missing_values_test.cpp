// Missing values of what is observed: imputed as parameters (rules §5), or refused with a reason.
#include <gtest/gtest.h>

#include <cmath>

#include "bound_model.hpp"
#include "gradient_in_lanes.hpp"
#include "host/host_model.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

// On the line, above 0, between constants, between bounds that are parameters; what others read; a recurrence.
struct Gaps {
  Dim i;
  Real x, p, u, w, y;
  explicit Gaps(Dataset& d)
      : i(d.dim("i")), x(d.real("x", i)), p(d.real("p", i)), u(d.real("u", i)), w(d.real("w", i)), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 2));
    auto sigma = m.param("sigma", exponential(1));
    auto xs = m.observe("x", x, i, [&](auto) { return normal(mu, sigma); });
    auto ps = m.observe("p", p, i, [&](auto j) { return lognormal(xs[j], sigma); });
    auto us = m.observe("u", u, i, [&](auto j) { return truncated(normal(mu * xs[j], sigma), -1, 3); });
    auto ws = m.observe("w", w, i, [&](auto) { return uniform(0, 2 + sigma); });
    m.observe("y", y, i.from(1), [&](auto j, auto past) { return normal(0.5 * past(1) + log(ps[j]) + us[j] * ws[j], sigma); });
  }
};

// The same with every element a parameter: at positions where those that are there have the data's values, its log density is
// another by the Jacobians of these.
struct NoGaps {
  Dim i;
  explicit NoGaps(Dataset& d) : i(d.dim("i")) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 2));
    auto sigma = m.param("sigma", exponential(1));
    auto x = m.param("x", normal(mu, sigma), i);
    auto p = m.param("p", i, [&](auto j) { return lognormal(x[j], sigma); });
    auto u = m.param("u", i, [&](auto j) { return truncated(normal(mu * x[j], sigma), -1, 3); });
    auto w = m.param("w", uniform(0, 2 + sigma), i);
    auto y = m.param("y", flat(), i);
    m.potential("y_terms", i.from(1), [&](auto j) {
      auto before = Index{j.position - 1, j.dim};
      return -0.5 * square((y[j] - 0.5 * y[before] - log(p[j]) - u[j] * w[j]) / sigma) - log(sigma) - log_sqrt_of_2pi;
    });
  }
};

const std::vector<double> whole_x{0.3, -0.7, 1.1, 0.2, -0.4}, whole_p{0.8, 1.7, 2.2, 0.4, 1.3}, whole_u{0.1, -0.6, 2.5, 1.4, 0.9},
    whole_w{0.5, 1.2, 0.3, 1.9, 2.2}, whole_y{0.6, -0.2, 1.5, 0.4, -1.1};

std::vector<double> without(std::vector<double> values, const std::vector<int>& elements) {
  for (int i : elements) values[std::size_t(i)] = nan;
  return values;
}

Data gappy(const std::vector<int>& x, const std::vector<int>& p, const std::vector<int>& u, const std::vector<int>& w, const std::vector<int>& y) {
  Data data;
  data.set("x", without(whole_x, x));
  data.set("p", without(whole_p, p));
  data.set("u", without(whole_u, u));
  data.set("w", without(whole_w, w));
  data.set("y", without(whole_y, y));
  return data;
}

TEST(MissingValues, AreParametersWithTheDensityAndGradientOfTheModelWrittenByHand) {
  const std::vector<std::vector<int>> lacking{{0, 3}, {1}, {2, 4}, {0, 1, 2}, {2, 3}};
  const Data data = gappy(lacking[0], lacking[1], lacking[2], lacking[3], lacking[4]);
  Data size;
  size.set("i", 5.);
  const HostModel gaps(*model_table<Gaps>(), data), whole(*model_table<NoGaps>(), size);
  ASSERT_EQ(gaps.coordinates(), 2 + 2 + 1 + 2 + 3 + 2);
  std::vector<double> of_gaps{0.4, 1.3}, of_whole{0.4, 1.3};
  std::vector<int> common{0, 1};    // coordinates of `whole` that are those of `gaps`
  const std::vector<const std::vector<double>*> fields{&whole_x, &whole_p, &whole_u, &whole_w, &whole_y};
  for (std::size_t f = 0; f < fields.size(); ++f) {
    for (int i : lacking[f]) of_gaps.push_back((*fields[f])[std::size_t(i)]), common.push_back(2 + 5 * int(f) + i);
    of_whole.insert(of_whole.end(), fields[f]->begin(), fields[f]->end());
  }
  const std::vector<double> x = gaps.position_of(of_gaps), z = whole.position_of(of_whole);
  std::vector<double> gradient(x.size()), whole_gradient(z.size());
  const double density = gaps.log_density(x.data(), gradient.data()), whole_density = whole.log_density(z.data(), whole_gradient.data());
  // log|J| of the elements that are there.
  double jacobians = 0;
  const double upper = 2 + 1.3;
  for (int i = 0; i < 5; ++i) {
    const auto is_there = [&](std::size_t f) { return std::find(lacking[f].begin(), lacking[f].end(), i) == lacking[f].end(); };
    const double p = whole_p[std::size_t(i)], u = whole_u[std::size_t(i)], w = whole_w[std::size_t(i)];
    if (is_there(1)) jacobians += std::log(p);
    if (is_there(2)) jacobians += std::log((u + 1) * (3 - u) / 4);
    if (is_there(3)) jacobians += std::log(w * (upper - w) / upper);
  }
  EXPECT_NEAR(density, whole_density - jacobians, 1e-12 * std::abs(density));
  for (std::size_t k = 0; k < common.size(); ++k) {
    if (common[k] == 1) continue;
    EXPECT_NEAR(gradient[k], whole_gradient[std::size_t(common[k])], 1e-12 * std::max(1., std::abs(gradient[k]))) << k;
  }
  // A w that is there does not move with its upper bound, as the other model's does: sigma's derivative is compared with differences.
  std::vector<double> up = x, down = x;
  const double h = 1e-5;
  up[1] += h, down[1] -= h;
  EXPECT_NEAR(gradient[1], (gaps.log_density(up.data(), nullptr) - gaps.log_density(down.data(), nullptr)) / (2 * h), 1e-6);
}

// In packs, in either precision, what the scalar oracle says.
TEST(MissingValues, HaveTheSameGradientInLanes) {
  const HostModel model(*model_table<Gaps>(), gappy({0, 3}, {1}, {2, 4}, {0, 1, 2}, {2, 3}));
  const std::vector<double> x = some_position(std::size_t(model.coordinates()), 5);
  std::vector<double> expected(x.size());
  const double density = model.log_density(x.data(), expected.data());
  GradientInLanes lanes(model);
  lanes.place(x);
  for (const bool mixed : {false, true}) {
    lanes.run(model, mixed ? model.table().log_density_gradient_mixed : model.table().log_density_gradient);
    const double tolerance = mixed ? 1e-5 : 1e-12;
    for (int lane = 0; lane < pack_width; ++lane) {
      EXPECT_NEAR(lanes.log_density[lane], density, tolerance * std::max(1., std::abs(density)));
      for (std::size_t k = 0; k < x.size(); ++k)
        EXPECT_NEAR(lanes.gradient.data()[k * pack_width + std::size_t(lane)], expected[k], tolerance * std::max(1., std::abs(expected[k]))) << k;
    }
  }
}

TEST(MissingValues, AreASiteAndWhatIsThereAnother) {
  Data data = gappy({0, 3}, {}, {}, {}, {2});
  data.set_labels("i", {"a", "b", "c", "d", "e"});
  const HostModel model(*model_table<Gaps>(), data);
  const SiteView* imputed = find_site(model.layout(), "x_unobserved");
  const SiteView* there = find_site(model.layout(), "y_observed");
  ASSERT_TRUE(imputed && there && find_site(model.layout(), "p"));
  EXPECT_FALSE(find_site(model.layout(), "x") || find_site(model.layout(), "p_observed"));
  EXPECT_EQ(imputed->kind, SiteKind::parameter);
  EXPECT_EQ(there->kind, SiteKind::observed);
  EXPECT_TRUE(there->recurrence);
  EXPECT_EQ(there->first, 1);
  const DimView* dim = find_dim(model.layout(), "x_unobserved_dim_0");
  ASSERT_TRUE(dim && dim->size == 2);
  EXPECT_STREQ(dim->labels[0], "a");
  EXPECT_STREQ(dim->labels[1], "d");
  EXPECT_EQ(find_dim(model.layout(), "y_observed_dim_0")->size, 4);
  const auto edges = model.graph();
  const auto has = [&](const char* from, const char* to) { return std::find(edges.begin(), edges.end(), std::pair<std::string, std::string>{from, to}) != edges.end(); };
  EXPECT_TRUE(has("mu", "x_unobserved") && has("mu", "x_observed") && has("x_unobserved", "p") && has("y_unobserved", "y_observed"));
  EXPECT_FALSE(has("x_unobserved", "x_observed"));
}

TEST(MissingValues, AreInTheFitAndItsPredictions) {
  const Data data = gappy({0, 3}, {1}, {}, {}, {2});
  SampleOptions options;
  options.chains = 4;
  options.warmup = 50;
  options.draws = 20;
  options.log_likelihood = options.predictive = true;
  const Fit fit = sample<Gaps>(data, options);
  const std::size_t draws = 80;
  EXPECT_EQ(fit.variable("posterior", "x_unobserved").values.size(), 2 * draws);
  EXPECT_EQ(fit.variable("log_likelihood", "x_observed").values.size(), 3 * draws);
  EXPECT_EQ(fit.variable("posterior_predictive", "y_observed").values.size(), 4 * draws);
  EXPECT_EQ(fit.variable("observed_data", "x_observed").values, (std::vector<double>{-0.7, 1.1, -0.4}));
  EXPECT_EQ(fit.variable("observed_data", "u").values, whole_u);
  EXPECT_TRUE(std::isnan(fit.variable("constant_data", "x").values[0]));
  for (double p : fit.variable("posterior", "p_unobserved").values) EXPECT_GT(p, 0);
  const auto& notes = std::get<std::vector<std::string>>(fit.attributes.at("notes"));
  EXPECT_NE(std::find(notes.begin(), notes.end(), "'x' has 2 missing values, imputed as 'x_unobserved', without a log likelihood."), notes.end());
  // What the log likelihood says of an element that is there, by hand.
  const Variable& mu = fit.variable("posterior", "mu");
  const Variable& sigma = fit.variable("posterior", "sigma");
  for (std::size_t d = 0; d < draws; ++d)
    EXPECT_NEAR(fit.variable("log_likelihood", "x_observed").values[3 * d + 1],
                -0.5 * std::pow((1.1 - mu.values[d]) / sigma.values[d], 2) - std::log(sigma.values[d]) - log_sqrt_of_2pi, 1e-9);
  // The fit's own data come back from its groups, and what was imputed with them.
  const Fit again = predict<Gaps>(fit, Data());
  EXPECT_EQ(again.variable("posterior_predictive", "x_observed").values.size(), 3 * draws);
  // New data: what is observed may be left out, unless its first elements are given; of x an element is missing that the fit has
  // not seen.
  Data more;
  more.set("x", std::vector<double>{1, 2, nan});
  for (const char* name : {"u", "w", "y"}) more.set(name, std::vector<double>{0.1, 0.2, 0.3});
  EXPECT_THROW(predict<Gaps>(fit, more), DataError);
  PredictOptions sample_new;
  sample_new.sample_new_levels = true;
  EXPECT_EQ(predict<Gaps>(fit, more, sample_new).variable("predictions", "p").values.size(), 3 * draws);
  const Fit prior = sample_prior<Gaps>(data, {});
  EXPECT_EQ(prior.variable("prior", "y_unobserved").values.size(), prior.draws);
}

// Before and after a gap: a draw from the prior is one of all, what is missing and what is there.
struct Walk {
  Dim t;
  Real y;
  explicit Walk(Dataset& d) : t(d.dim("t")), y(d.real("y", t)) {}
  template <class M> void operator()(M& m) const {
    m.observe("y", y, t.from(1), [&](auto, auto past) { return normal(0.7 * past(1), 1); });
  }
};
TEST(MissingValues, AreDrawnFromThePriorTogetherWithWhatIsThere) {
  Data data;
  data.set("y", std::vector<double>{1, 5, nan, 5});
  PriorOptions options;
  options.draws = 4000;
  const Fit prior = sample_prior<Walk>(data, options);
  const std::vector<double>& gap = prior.variable("prior", "y_unobserved").values;
  const std::vector<double>& there = prior.variable("prior_predictive", "y_observed").values;   // y0, y1, y3
  double before = 0, after = 0;
  for (std::size_t d = 0; d < 4000; ++d) {
    before += (gap[d] - 0.7 * there[3 * d + 1]) * there[3 * d + 1];
    after += (there[3 * d + 2] - 0.7 * gap[d]) * gap[d];
  }
  // Innovations know nothing of what was before: these means are 0, in standard errors below sqrt(1.9 / 4000). False alarm: 1e-5.
  EXPECT_LT(std::abs(before / 4000), 4.5 * std::sqrt(1.9 / 4000));
  EXPECT_LT(std::abs(after / 4000), 4.5 * std::sqrt(2.3 / 4000));
}

// do and observe of the whole site: nothing is left to impute.
TEST(MissingValues, AreNoneWhereTheSiteIsDoneOrObserved) {
  Data done = gappy({0, 3}, {}, {}, {}, {}), observed = done, complete = gappy({}, {}, {}, {}, {});
  done.set_do("x", whole_x);
  observed.set_observed("x", whole_x);
  const HostModel with_do(*model_table<Gaps>(), done), with_observe(*model_table<Gaps>(), observed), usual(*model_table<Gaps>(), complete);
  ASSERT_EQ(with_do.coordinates(), 2);
  ASSERT_EQ(with_observe.coordinates(), 2);
  const std::vector<double> x{0.3, -0.2};
  double of_x = 0;
  for (double each : whole_x) of_x += -0.5 * std::pow((each - 0.3) / std::exp(-0.2), 2) + 0.2 - log_sqrt_of_2pi;
  EXPECT_NEAR(with_observe.log_density(x.data(), nullptr), usual.log_density(x.data(), nullptr), 1e-11);
  EXPECT_NEAR(with_do.log_density(x.data(), nullptr), usual.log_density(x.data(), nullptr) - of_x, 1e-11);
}

// ---- what is refused ------------------------------------------------------------------------------------------------

template <class F> struct OneSite {
  Dim i;
  Real y, other;
  explicit OneSite(Dataset& d) : i(d.dim("i")), y(d.real("y", i)), other(d.real("other", i)) {}
  template <class M> void operator()(M& m) const { F{}(m, *this); }
};
Data one_site(const std::vector<double>& y) {
  Data data;
  data.set("y", y);
  data.set("other", std::vector<double>(y.size(), 1.));
  return data;
}
template <class Model> void expect_unbound(const Data& data, const std::vector<std::string>& parts) {
  SCOPED_TRACE(parts.front());
  const DataViews views(data);
  expect_model_error([&] { const BoundModel<Model> model(views.view()); }, parts);
}
template <class F> void expect_refused(F, const std::vector<double>& y, const std::vector<std::string>& parts) {
  expect_unbound<OneSite<F>>(one_site(y), parts);
}

TEST(MissingValues, AreRefusedWhereNoParameterCanStandForThem) {
  expect_refused([](auto& m, const auto& d) { m.observe("n", d.y, d.i, [&](auto) { return poisson(2); }); }, {1, nan, 0},
                 {"site 'n' is NaN at element 2", "discrete"});
  expect_refused([](auto& m, const auto& d) { m.observe("c", d.y, d.i, [&](auto) { return censored(normal(0, 1), no_bound, 2); }); }, {1, nan, 0},
                 {"site 'c' is NaN at element 2", "censored"});
  expect_refused([](auto& m, const auto& d) { m.observe("t", d.y, d.i, [&](auto j) { return truncated(normal(0, 1), no_bound, d.other[j]); }); },
                 {nan, 0, 0}, {"site 't' is NaN at element 1", "bounds that differ"});
  expect_refused([](auto& m, const auto& d) { m.observe("f", d.y, d.i.from(2), [&](auto, auto past) { return normal(past(2), 1); }); }, {1, nan, 0},
                 {"site 'f' is NaN at element 2", "starts at element 3"});
  expect_refused([](auto& m, const auto& d) { m.observe("v", d.y, gaussian_random_walk(0, 1, normal(0, 1))); }, {1, nan, 0},
                 {"site 'v' is NaN at element 2", "one event"});
  expect_refused([](auto& m, const auto& d) { m.observe("other", d.other, d.i, [&](auto j) { return normal(d.y[j], 1); }); }, {1, 0, nan},
                 {"field 'y' is NaN at element 3", "what m.observe returns"});
}

struct Counts {
  Dim i;
  Integer n;
  explicit Counts(Dataset& d) : i(d.dim("i")), n(d.integer("n", i)) {}
  template <class M> void operator()(M& m) const {
    m.param("a", normal(0, 1));
  }
};

TEST(MissingValues, AreRefusedInWholeNumbers) {
  Data data;
  data.set("n", std::vector<double>{1, nan});
  try {
    const HostModel model(*model_table<Counts>(), data);
    FAIL() << "it was bound";
  } catch (const DataError& error) {
    const std::string message = error.what();
    for (const char* part : {"field 'n' is NaN at element 2 (only what is read as real numbers", "hidden Markov chain emits it"})
      EXPECT_NE(message.find(part), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace lockstep
