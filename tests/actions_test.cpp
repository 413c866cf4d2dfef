// do and observe at run time: meanings (rules §5), against models in which the same was written by hand, and against the closed
// forms of causal graphs.
#include <gtest/gtest.h>

#include <cmath>

#include "gradient_in_lanes.hpp"
#include "host/host_model.hpp"
#include "lockstep/lockstep.hpp"
#include "models/diamonds.hpp"
#include "models/eight_schools.hpp"
#include "models/eight_schools_centered.hpp"
#include "models/garch11.hpp"
#include "models/hmm.hpp"

namespace lockstep {
namespace {

// ---- every kind of site, and the same by hand -----------------------------------------------------------------------

struct Everything {
  Dim i, k, g;
  Real y, z;
  Matrix table, x;
  RealScalar total;
  explicit Everything(Dataset& d)
      : i(d.dim("i")), k(d.dim("k", 3)), g(d.dim("g", 2)), y(d.real("y_data", i)), z(d.real("z_data", i)), table(d.matrix("table_data", i, k)),
        x(d.matrix("x", i, k)), total(d.scalar("total_data")) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0.5, 2));
    auto tau = m.param("tau", gamma(3, 2));
    auto share = m.param("share", beta(2, 2 + tau));
    auto theta = m.param("theta", k, [&](auto) { return normal(mu, tau); });
    auto scales = m.param("scales", lognormal(0, tau), k);
    auto w = m.param("w", dirichlet(1.5 + tau), k);
    auto bent = m.param("bent", g, [&](auto) { return normal(mu, 1); }, ordered());
    auto cells = m.param("cells", normal(mu, 2), g, k);
    auto rows = m.param("rows", dirichlet(2), g, k);
    auto factor = m.param("factor", lkj_cholesky(1 + tau), k);
    auto half = m.deterministic("half", mu / 2 + tau);
    auto sums = m.deterministic("sums", k, [&](auto j) { return theta[j] + half; });
    auto grid = m.deterministic("grid", g, k, [&](auto r, auto c) { return cells(r, c) * w[c] + bent[r]; });
    auto kept = m.let("kept", mu * tau);
    auto kept_vector = m.let("kept_vector", k, [&](auto j) { return theta[j] * scales[j] + kept + sums[j]; });
    auto kept_matrix = m.let("kept_matrix", g, k, [&](auto r, auto c) { return grid(r, c) + rows(r, c); });
    auto chain = m.scan("chain", i, mu, [&](auto, auto before) { return 0.5 * before + share; });
    auto line = m.linear(x, theta);
    m.observe("total", total, normal(kept + kept_matrix(1, 2), 1 + share));
    auto y_node = m.observe("y", y, i, [&](auto j) { return normal(line[j] + chain[j] + kept_vector[0], 1 + tau); });
    auto z_node = m.observe("z", z, i.from(1), [&](auto j, auto past) { return normal(0.3 * past(1) + y_node[j] * kept_matrix(0, 1), 2); });
    m.observe("table", table, i, [&](auto) { return mv_normal_cholesky(kept_vector, factor); });
    m.observe("last", z, i, [&](auto j) { return normal(z_node[j] * 0.1 + mu, 1); });
  }
};

Data everything_data() {
  Data data;
  std::vector<double> y, z;
  Data::Field table{{4, 3}, {}}, x{{4, 3}, {}};
  for (int i = 0; i < 4; ++i) {
    y.push_back(std::sin(i + 1.));
    z.push_back(std::cos(2. * i));
    for (int k = 0; k < 3; ++k) table.values.push_back(std::sin(0.7 * i + k)), x.values.push_back(std::cos(1.1 * i - k));
  }
  data.set("y_data", y);
  data.set("z_data", z);
  data.set("table_data", table);
  data.set("x", x);
  data.set("total_data", 0.4);
  return data;
}

std::vector<double> some_values(const SiteView& site) {
  const std::string name = site.name;
  std::vector<double> values;
  for (int i = 0; i < site.size; ++i) values.push_back(0.3 + 0.4 * std::abs(std::sin(1.3 * i + double(name.size()))));
  if (name == "w" || name == "rows")
    for (int i = 0; i < site.size; ++i) values[std::size_t(i)] = i % 3 == 0 ? 0.2 : i % 3 == 1 ? 0.5 : 0.3;
  if (name == "bent") values = {-0.4, 0.9};
  if (name == "factor") values = {1, 0, 0, 0.6, 0.8, 0, 0.48, 0.64, 0.6};
  return values;
}

std::vector<double> a_point(int n, double shift = 0) {
  std::vector<double> x;
  for (int i = 0; i < n; ++i) x.push_back(0.5 * std::sin(1.9 * i + 0.4 + shift));
  return x;
}

// Values of parameters that the usual model has at the place where the acted-on one is at `position`.
struct Placed {
  std::vector<double> position;            // of the usual model
  std::vector<int> from;                   // per its coordinate: the acted-on model's, -1 for those of the site
};
Placed place(const HostModel& usual, const SiteView& site, const std::vector<double>& given, const std::vector<double>& position) {
  Placed placed;
  for (int i = 0, next = 0; i < usual.coordinates(); ++i) {
    const bool of_site = i >= site.coordinate && i < site.coordinate + site.coordinates;
    placed.from.push_back(of_site ? -1 : next);
    placed.position.push_back(of_site ? 0 : position[std::size_t(next++)]);
  }
  // The site's coordinates, by the usual model's own way back.
  std::vector<double> values = usual.generate(Meaning::constrain, placed.position);
  std::vector<double> parameters;
  std::size_t offset = 0;
  for (std::int64_t s = 0; s < usual.layout().site_count; ++s) {
    const SiteView& each = usual.layout().sites[s];
    if (each.kind == SiteKind::observed) continue;
    if (std::string(each.name) == site.name) std::copy(given.begin(), given.end(), values.begin() + std::ptrdiff_t(offset));
    if (each.kind == SiteKind::parameter) parameters.insert(parameters.end(), &values[offset], &values[offset] + each.size);
    offset += std::size_t(each.size);
  }
  std::vector<double> out(placed.position);
  GenerateRequest request{};
  request.meaning = Meaning::unconstrain;
  request.values = parameters.data();
  request.position_out = out.data();
  usual.generate(request);
  placed.position = out;
  return placed;
}

// The log prior of a site at the usual model's position, without Jacobian; and the whole log|J| of the site's coordinates.
double log_prior_of(const HostModel& model, const std::string& name, const std::vector<double>& position) {
  const std::vector<double> all = model.generate(Meaning::log_prior, position);
  double total = 0;
  std::size_t next = 0;
  for (std::int64_t s = 0; s < model.layout().site_count; ++s) {
    const SiteView& each = model.layout().sites[s];
    if (each.kind != SiteKind::parameter) continue;
    for (int e = 0; e < each.events; ++e, ++next)
      if (each.name == name) total += all[next];
  }
  return total;
}

// For every parameter: what is observed differs from the usual model, at the same values, by the Jacobian of that parameter,
// which does not depend on others; what is done, by its prior too. So do gradients by the other coordinates.
TEST(Actions, AParameterThatIsDoneOrObservedHasNoCoordinatesAndNoJacobianAndWhatIsDoneNoPrior) {
  const Data data = everything_data();
  const HostModel usual(*model_table<Everything>(), data);
  for (std::int64_t s = 0; s < usual.layout().site_count; ++s) {
    const SiteView& site = usual.layout().sites[s];
    if (site.kind != SiteKind::parameter) continue;
    SCOPED_TRACE(site.name);
    const std::vector<double> given = some_values(site);
    Data done = data, observed = data;
    done.set_do(site.name, given);
    observed.set_observed(site.name, given);
    const HostModel with_do(*model_table<Everything>(), done), with_observe(*model_table<Everything>(), observed);
    ASSERT_EQ(with_do.coordinates(), usual.coordinates() - site.coordinates);
    ASSERT_EQ(with_observe.coordinates(), usual.coordinates() - site.coordinates);
    double jacobian[2];
    for (int which : {0, 1}) {
      const std::vector<double> position = a_point(with_do.coordinates(), 2. * which);
      const Placed placed = place(usual, site, given, position);
      std::vector<double> g(std::size_t(usual.coordinates())), g_do(position.size()), g_observe(position.size());
      const double lp = usual.log_density(placed.position.data(), g.data());
      const double lp_do = with_do.log_density(position.data(), g_do.data());
      const double lp_observe = with_observe.log_density(position.data(), g_observe.data());
      const double prior = log_prior_of(usual, site.name, placed.position);
      EXPECT_NEAR(lp_observe - lp_do, prior, 1e-10);
      jacobian[which] = lp - lp_observe;
      for (std::size_t i = 0; i < g.size(); ++i) {
        if (placed.from[i] >= 0) {
          EXPECT_NEAR(g_observe[std::size_t(placed.from[i])], g[i], 1e-9 * std::max(1., std::abs(g[i]))) << "coordinate " << i;
        }
      }
      // do: by differences of the log density.
      for (std::size_t i = 0; i < position.size(); ++i) {
        std::vector<double> up = position, down = position;
        const double h = 1e-5;
        up[i] += h;
        down[i] -= h;
        const double slope = (with_do.log_density(up.data(), nullptr) - with_do.log_density(down.data(), nullptr)) / (2 * h);
        EXPECT_NEAR(g_do[i], slope, 1e-6 * std::max(1., std::abs(slope))) << "coordinate " << i << " under do";
      }
    }
    EXPECT_NEAR(jacobian[0], jacobian[1], 1e-9);  // it depends on the values that are given alone
  }
}

// The values themselves, wherever they are read, and in lanes as for one chain.
TEST(Actions, LanesAgreeWithOneChainWhateverSiteIsActedOn) {
  const Data data = everything_data();
  const HostModel usual(*model_table<Everything>(), data);
  for (std::int64_t s = 0; s < usual.layout().site_count; ++s) {
    const SiteView& site = usual.layout().sites[s];
    for (const bool observe : {false, true}) {
      if (observe && site.kind == SiteKind::deterministic) continue;
      SCOPED_TRACE(std::string(site.name) + (observe ? " observed" : " done"));
      Data acted = data;
      (observe ? acted.set_observed(site.name, some_values(site)) : acted.set_do(site.name, some_values(site)));
      const HostModel model(*model_table<Everything>(), acted, true);
      const int n = model.coordinates();
      GradientInLanes found(model);
      const std::vector<double> point = a_point(n);
      found.place(point);
      std::vector<double> expected(static_cast<std::size_t>(n));
      const double log_density = model.log_density(point.data(), expected.data());
      ASSERT_TRUE(std::isfinite(log_density));
      for (const auto& [function, tolerance] : {std::pair{model.table().log_density_gradient, 1e-11}, {model.table().log_density_gradient_mixed, 2e-5}}) {
        found.run(model, function);
        double largest = std::abs(log_density);
        for (double g : expected) largest = std::max(largest, std::abs(g));
        EXPECT_NEAR(found.log_density[pack_width - 1], log_density, tolerance * largest);
        for (int i = 0; i < n; ++i)
          EXPECT_NEAR(found.gradient.data()[i * pack_width], expected[std::size_t(i)], tolerance * largest) << "coordinate " << i;
      }
    }
  }
}

// A computed quantity that is done: everything that reads it reads the given values, and nothing is pulled through it.
struct ReadsAQuantity {
  bool by_hand;
  Dim i;
  Real y;
  explicit ReadsAQuantity(Dataset& d) : by_hand(d.option("by_hand", false)), i(d.dim("i")), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", normal(0, 1));
    auto lazy = m.deterministic("lazy", a * b);
    auto kept = m.let("kept", exp(a));
    auto vector = m.let("vector", i, [&](auto j) { return a * y[j] + lazy; });
    m.observe("y", y, i, [&](auto j) { return normal(lazy + vector[j] * b, kept); });
  }
};
TEST(Actions, NothingIsPulledThroughAQuantityThatIsDone) {
  Data data;
  data.set("y", {0.3, -1., 2.});
  const std::vector<double> x{0.4, -0.7};
  const auto gradient = [&](const Data& acted) {
    const HostModel model(*model_table<ReadsAQuantity>(), acted);
    std::vector<double> g(2);
    const double lp = model.log_density(x.data(), g.data());
    return std::pair(lp, g);
  };
  // vector done: y ~ normal(a b + v b, exp(a))
  Data done = data;
  const std::vector<double> v{1., 2., -0.5}, y{0.3, -1., 2.};
  done.set_do("vector", v);
  double lp = -0.5 * (x[0] * x[0] + x[1] * x[1]) - 2 * 0.91893853320467274178, da = -x[0], db = -x[1];
  for (std::size_t j = 0; j < 3; ++j) {
    const double mean = x[0] * x[1] + v[j] * x[1], sd = std::exp(x[0]), z = (y[j] - mean) / sd;
    lp += -0.5 * z * z - x[0] - 0.91893853320467274178;
    da += z / sd * x[1] + (z * z - 1);
    db += z / sd * (x[0] + v[j]);
  }
  auto [value, g] = gradient(done);
  EXPECT_NEAR(value, lp, 1e-12);
  EXPECT_NEAR(g[0], da, 1e-12);
  EXPECT_NEAR(g[1], db, 1e-12);
  // kept and lazy done too: nothing but the priors depends on a.
  done.set_do("kept", {1.5});
  done.set_do("lazy", {0.2});
  g = gradient(done).second;
  EXPECT_NEAR(g[0], -x[0], 1e-12);
}

// An observed site that is done has no likelihood; what is observed in place of the data has it.
TEST(Actions, OfAnObservedSiteDoTakesTheLikelihoodAwayAndObserveReplacesTheData) {
  const Data data = example_data(*find_zoo_model("eight_schools"));
  Data done = data, observed = data, replaced = data;
  const std::vector<double> other{1, 2, 3, 4, 5, 6, 7, 8};
  done.set_do("y", other);
  observed.set_observed("y", other);
  replaced.set("y", other);
  const auto& table = *model_table<models::EightSchools>();
  const HostModel with_do(table, done), with_observe(table, observed), by_hand(table, replaced);
  const std::vector<double> x = a_point(by_hand.coordinates());
  std::vector<double> g(x.size()), h(x.size());
  EXPECT_EQ(with_observe.log_density(x.data(), g.data()), by_hand.log_density(x.data(), h.data()));
  EXPECT_EQ(g, h);
  double prior = 0;
  for (double each : by_hand.generate(Meaning::log_prior, x)) prior += each;
  EXPECT_NEAR(with_do.log_density(x.data(), g.data()), prior + x[1], 1e-12);  // tau's Jacobian is its coordinate
  EXPECT_EQ(with_observe.generate(Meaning::pointwise, x), by_hand.generate(Meaning::pointwise, x));
  EXPECT_EQ(with_do.values(Meaning::pointwise), 0u);
}

TEST(Actions, SeriesWithStatesAreDoneAndObservedToo) {
  for (const char* name : {"hmm", "garch11", "arma11", "ar_k"}) {
    SCOPED_TRACE(name);
    const ModelTable& table = *find_zoo_model(name)->table();
    const Data data = example_data(*find_zoo_model(name));
    const HostModel usual(table, data);
    std::vector<double> other = data.fields().at("y").values;
    for (double& each : other) each = 0.9 * each + 0.01;
    Data observed = data, replaced = data, done = data;
    observed.set_observed("y", other);
    replaced.set("y", other);
    done.set_do("y", {0.});
    const HostModel with_observe(table, observed), by_hand(table, replaced), with_do(table, done);
    const std::vector<double> x = a_point(by_hand.coordinates());
    std::vector<double> g(x.size()), h(x.size());
    const double expected = by_hand.log_density(x.data(), h.data());
    EXPECT_NEAR(with_observe.log_density(x.data(), g.data()), expected, 1e-12 * std::abs(expected));
    for (std::size_t i = 0; i < g.size(); ++i) EXPECT_NEAR(g[i], h[i], 1e-11 * std::max(1., std::abs(h[i])));
    double prior = 0;
    for (double each : usual.generate(Meaning::log_prior, x)) prior += each;
    const double without = with_do.log_density(x.data(), nullptr), with = by_hand.log_density(x.data(), nullptr);
    double likelihood = 0;
    for (double each : by_hand.generate(Meaning::pointwise, x)) likelihood += each;
    EXPECT_NEAR(with - without, likelihood, 1e-9 * std::abs(likelihood));
  }
}

// do of a value outside the support is no error; observing it is an impossible start, which names the site.
TEST(Actions, DoAsksForNoSupportAndObserveDoes) {
  Data done = example_data(*find_zoo_model("eight_schools")), observed = done;
  done.set_do("tau", {-1.});
  observed.set_observed("tau", {-1.});
  SampleOptions options;
  options.chains = 4;
  options.warmup = 10;
  options.draws = 5;
  EXPECT_NO_THROW(sample<models::EightSchools>(done, options));
  try {
    sample<models::EightSchools>(observed, options);
    FAIL() << "it ran";
  } catch (const SampleError& error) {
    EXPECT_NE(std::string(error.what()).find("'tau'"), std::string::npos) << error.what();
  }
}

// ---- in a fit -------------------------------------------------------------------------------------------------------

TEST(Actions, AreInTheFitAsConstantAndObservedData) {
  Data data = example_data(*find_zoo_model("eight_schools_centered"));
  data.set_do("tau", {3.});
  data.set_observed("mu", {1.});
  data.set_do("sigma", {5.});
  SampleOptions options;
  options.chains = 4;
  options.warmup = 10;
  options.draws = 5;
  options.log_likelihood = options.predictive = true;
  const Fit fit = sample<models::EightSchoolsCentered>(data, options);
  EXPECT_EQ(fit.variable("constant_data", "tau").values, std::vector<double>{3.});
  EXPECT_EQ(fit.variable("constant_data", "sigma").values, std::vector<double>(8, 5.));
  EXPECT_EQ(fit.variable("observed_data", "mu").values, std::vector<double>{1.});
  EXPECT_EQ(fit.variable("observed_data", "y").values.size(), 8u);
  EXPECT_EQ(fit.group("posterior").variables.size(), 1u);  // theta
  EXPECT_EQ(fit.variable("log_likelihood", "mu").values.size(), 20u);
  EXPECT_EQ(fit.variable("posterior_predictive", "mu").values.size(), 20u);
}

// ---- what is refused ------------------------------------------------------------------------------------------------

void expect_refused(const Data& data, const std::vector<std::string>& parts) {
  try {
    const HostModel model(*model_table<models::EightSchools>(), data);
    FAIL() << "it was bound";
  } catch (const ModelError& error) {
    for (const std::string& part : parts) EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << part << " in: " << error.what();
  }
}
TEST(Actions, NameASiteAndHaveItsShape) {
  const Data data = example_data(*find_zoo_model("eight_schools"));
  Data acted = data;
  acted.set_do("rho", {1.});
  expect_refused(acted, {"there is no site 'rho' to do", "mu, tau, z, theta, y", "or a field of the data"});
  acted = data;
  acted.set_observed("sigma", {1.});
  expect_refused(acted, {"there is no site 'sigma' to observe"});
  acted = data;
  acted.set_observed("theta", {1.});
  expect_refused(acted, {"'theta' cannot be observed", "Use do."});
  acted = data;
  acted.set_do("z", {1., 2.});
  expect_refused(acted, {"site 'z' is given 2 values", "it has 8"});
  acted = data;
  acted.set_do("sigma", {1., 2.});
  expect_refused(acted, {"field 'sigma' is given 2 values", "it has 8"});
  acted = data;
  acted.set_do("z", {1.});
  EXPECT_THROW(acted.set_observed("z", {1.}), DataError);
  EXPECT_THROW(acted.set_do("mu", {std::nan("")}), DataError);
}

}  // namespace
}  // namespace lockstep
