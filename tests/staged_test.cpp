// A staged gradient, three runs and two products, against one run of the same model.

#include <cmath>

#include <gtest/gtest.h>

#include "kernels/emulated_team.hpp"
#include "lockstep/data.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {
namespace {

// Two predictors; coefficients that are a parameter on a support of its own, a simplex, and a named intermediate of several
// nodes; parameters that no predictor touches, joint ones and a matrix's factor among them.
struct EveryPath {
  Dim i, k, g;
  Real y;
  Matrix x, z;
  explicit EveryPath(Dataset& d)
      : i(d.dim("i")), k(d.dim("k")), g(d.dim("g")), y(d.real("y", i)), x(d.matrix("x", i, k)), z(d.matrix("z", i, g)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto tau = m.param("tau", half_normal(1));
    auto beta = m.param("beta", k, [&](auto) { return normal(0, tau); });
    auto weights = m.param("weights", dirichlet(2), g);
    auto knots = m.param("knots", normal(0, 1), k, ordered());
    auto factor = m.param("factor", lkj_cholesky(2), k);
    auto bent = m.let("bent", k, [&](auto j) { return beta[j] * tau + knots[j] * factor(1, 0); });
    auto first = m.linear(x, bent);
    auto second = m.linear(z, weights);
    auto sigma = m.param("sigma", half_normal(1));
    auto table = m.param("table", normal(0, 1), k, g);
    auto several = m.linear(x, table);   // no site of its own
    m.observe("y", y, i, [&](auto j) { return normal(first[j] + exp(second[j]) * tau + several(j, 1) * several(j, 0), sigma); });
  }
};

Data example() {
  Data data;
  Data::Field x{{7, 3}, {}}, z{{7, 2}, {}};
  std::vector<double> y;
  for (int n = 0; n < 7 * 3; ++n) x.values.push_back(std::sin(1.3 * n));
  for (int n = 0; n < 7 * 2; ++n) z.values.push_back(std::cos(0.7 * n));
  for (int n = 0; n < 7; ++n) y.push_back(0.5 * n - 1);
  data.set("y", y);
  data.set("x", x);
  data.set("z", z);
  return data;
}

struct Result {
  double log_density;
  std::vector<double> gradient;
};

class StagedGradient : public testing::Test {
 protected:
  Data data = example();
  DataViews views{data};
  BoundModel<EveryPath> bound{views.view()};
  const int n = int(bound.layout().coordinates), scratch = int(bound.layout().scratch);

  std::vector<double> point(double shift) const {
    std::vector<double> x;
    for (int c = 0; c < n; ++c) x.push_back(0.6 * std::sin(2.1 * c + shift));
    return x;
  }

  Result whole(const std::vector<double>& x) const {
    Result r{0, std::vector<double>(std::size_t(n))};
    std::vector<double> memory(static_cast<std::size_t>(scratch + 1));
    const Workspace w{x.data(), r.gradient.data(), memory.data(), nullptr, 1};
    r.log_density = log_density_gradient<double, false>(bound.model(), WholeTeam{}, w, n);
    return r;
  }

  // Of one lane and several slices; `runs` of each stage are made by all slices together.
  Result staged(const std::vector<double>& x, int slices) const {
    std::vector<double> coefficients(5), coefficient_adjoints(5), predictors(14), predictor_adjoints(14);
    const std::size_t room = std::size_t(slices * n);
    std::vector<double> density(room), pulled(room), unused(room), memory(static_cast<std::size_t>(slices * scratch + 1));
    Result r{0, {}};
    const auto run = [&](auto stage, std::vector<double>& gradient) {
      EmulatedTeam::run(1, slices, [&](const EmulatedTeam& team) {
        Workspace w{x.data(), gradient.data(), memory.data(), nullptr, 1};
        w.staged = {coefficients.data(), coefficient_adjoints.data(), predictors.data(), predictor_adjoints.data(), 1};
        const double lp = log_density_gradient<double, false, decltype(stage)::value>(bound.model(), team, w, n);
        if (decltype(stage)::value == Stage::density && team.slice() == 0) r.log_density = lp;
      });
    };
    const Data::Field &a = data.fields().at("x"), &b = data.fields().at("z");
    run(std::integral_constant<Stage, Stage::arguments>{}, unused);
    for (std::size_t row = 0; row < 7; ++row)
      for (std::size_t c = 0; c < 3; ++c) {
        predictors[row] += a.values[row * 3 + c] * coefficients[c];
        if (c < 2) predictors[7 + row] += b.values[row * 2 + c] * coefficients[3 + c];
      }
    run(std::integral_constant<Stage, Stage::density>{}, density);
    for (std::size_t row = 0; row < 7; ++row)
      for (std::size_t c = 0; c < 3; ++c) {
        coefficient_adjoints[c] += a.values[row * 3 + c] * predictor_adjoints[row];
        if (c < 2) coefficient_adjoints[3 + c] += b.values[row * 2 + c] * predictor_adjoints[7 + row];
      }
    run(std::integral_constant<Stage, Stage::pull>{}, pulled);
    for (int c = 0; c < n; ++c) r.gradient.push_back(density[std::size_t(c)] + pulled[std::size_t(c)]);
    return r;
  }
};

TEST_F(StagedGradient, IsTheWholeOne) {
  for (int slices : {1, 2, 5})
    for (double shift : {0., 1.1, 4.}) {
      const std::vector<double> x = point(shift);
      const Result expected = whole(x), found = staged(x, slices);
      EXPECT_NEAR(found.log_density, expected.log_density, 1e-12 * std::abs(expected.log_density));
      for (std::size_t c = 0; c < expected.gradient.size(); ++c)
        EXPECT_NEAR(found.gradient[c], expected.gradient[c], 1e-12 * (1 + std::abs(expected.gradient[c]))) << slices << " slices, " << c;
    }
}

TEST_F(StagedGradient, SitesAreFoundInTheirOrder) {
  const ModelData<EveryPath> model(views.view());
  StagedSite sites[2];
  double nowhere[2] = {};
  std::vector<double> x = point(0), gradient(static_cast<std::size_t>(n)), memory(static_cast<std::size_t>(scratch + 1));
  Workspace w{x.data(), gradient.data(), memory.data(), nullptr, 1};
  w.staged = {nowhere, nowhere + 1, nowhere, nowhere + 1, 0, sites, 2};
  LogDensity<double, WholeTeam, false, Stage::arguments> m(WholeTeam{}, w);
  model.model()(m);
  EXPECT_EQ(m.staged_sites(), 2);
  EXPECT_EQ(sites[0].columns, 3);
  EXPECT_EQ(sites[1].columns, 2);
  EXPECT_EQ(sites[1].rows, 7);
}

}  // namespace
}  // namespace lockstep
