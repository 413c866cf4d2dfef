// Multivariate log densities and all their derivatives against 60-digit values, for a scalar lane and for a pack: rules §4 allow
// 1e-10 of a log density and 1e-9 of a derivative, relative to max(1, |reference|).
#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "lockstep/data.hpp"
#include "lockstep/log_density.hpp"
#include "lockstep/pack.hpp"
#include "tests/largest_errors.hpp"

namespace lockstep {
namespace {

using Values = std::vector<double>;
using nlohmann::json;

const json& golden(const char* distribution) {
  static const json all = json::parse(std::ifstream(LOCKSTEP_SOURCE_DIR "/tests/golden/joint_densities.json"));
  return all.at(distribution);
}

// ---- arguments and events whose adjoints gather -------------------------------------------------------------------------

double first_lane(double a) { return a; }
double first_lane(const Pack& a) {
  alignas(64) double lanes[pack_width];
  a.store_aligned(lanes);
  for (int l = 1; l < pack_width; ++l) EXPECT_TRUE(lanes[l] == lanes[0] || (std::isnan(lanes[l]) && std::isnan(lanes[0])));
  return lanes[0];
}

// A number, or an element of something.
struct Watched : RecipeTag {
  double number;
  double* adjoint;
  static constexpr bool uniform = false;
  Watched(double v, double* a) : number(v), adjoint(a) {}
  struct Value {
    double value;
    double* adjoint;
    template <class A> void pull(const A& a) const { *adjoint += first_lane(a); }
  };
  template <class M> Value evaluate(const M&) const { return {number, adjoint}; }
};

// The numbers of one input, one after the other: of a number, a vector, or a matrix by its rows, which may be those of a lower
// triangle. Also a matrix node, a vector node and an event.
struct Input {
  Values numbers, adjoints;
  std::vector<std::size_t> row_starts;
  int width = 0;

  explicit Input(const json& j) {
    if (j.is_number()) numbers.push_back(j);
    else
      for (const json& each : j) {
        row_starts.push_back(numbers.size());
        if (each.is_number()) numbers.push_back(each);
        else
          for (double v : each) numbers.push_back(v);
        width = each.is_number() ? 1 : std::max(width, int(each.size()));
      }
    adjoints.assign(numbers.size(), 0.);
  }
  std::size_t at(int i, int j) const { return row_starts[std::size_t(i)] + std::size_t(j); }
  Watched element(std::size_t k) { return {numbers[k], &adjoints[k]}; }
  Watched number() { return element(0); }
  auto vector() {
    return [this](auto k) { return element(std::size_t(k.position)); };
  }
  auto matrix() {
    return [this](auto i, auto j) { return element(at(i.position, j.position)); };
  }
};
// A lower triangular factor, or loadings.
struct WatchedMatrix {
  Input* input;
  Dim rows_, columns_;
  double value(int i, int j) const { return input->numbers[input->at(i, j)]; }
  template <class A> void pull(int i, int j, const A& a) const { input->adjoints[input->at(i, j)] += first_lane(a); }
  Watched operator()(Index i, Index j) const { return input->element(input->at(i.position, j.position)); }
  Dim rows() const { return rows_; }
  Dim columns() const { return columns_; }
};
struct WatchedVector {
  Input* input;
  Watched operator[](Index k) const { return input->element(std::size_t(k.position)); }
  Dim dim() const { return {1, 0, int(input->numbers.size())}; }
};
// Elements by number, of a lower triangle by those of the square matrix.
struct WatchedEvent {
  Input* input;
  bool triangle = false;
  std::size_t at(int k) const {
    const int n = int(input->row_starts.size());
    return triangle ? input->at(k / n, k % n) : std::size_t(k);
  }
  double value(int k) const { return input->numbers[at(k)]; }
  double log_value(int k) const { return std::log(value(k)); }
  template <class A> void pull(int k, const A& a) const { input->adjoints[at(k)] += first_lane(a); }
};

class Case {
 public:
  explicit Case(const json& c) : json_(c) {}
  Input& operator[](const char* name) { return inputs_.try_emplace(name, json_.at(name)).first->second; }
  double plain(const char* name) const { return json_.at(name); }
  Values values(const char* name) const { return json_.at(name); }
  // A node that lives as long as the case.
  const WatchedMatrix& node(const char* name, Dim rows = {}, Dim columns = {}) {
    return nodes_.emplace_back(WatchedMatrix{&(*this)[name], rows, columns});
  }
  const WatchedVector& vector_node(const char* name) { return vectors_.emplace_back(WatchedVector{&(*this)[name]}); }
  std::vector<int> pairs(int side) const {
    std::vector<int> result;
    for (const auto& pair : json_.at("pairs")) result.push_back(pair[std::size_t(side)]);
    return result;
  }

 private:
  const json& json_;
  std::map<std::string, Input> inputs_;
  std::deque<WatchedMatrix> nodes_;
  std::deque<WatchedVector> vectors_;
};

// The log density of one event in lanes of type T; every lane has the same.
template <class T, class D, class Y> double log_density(const D& d, Dim rows, Dim columns, const Y& y) {
  constexpr int width = LaneTraits<T>::width;
  const std::size_t elements = std::size_t(scratch_of_events<LogDensity<T>, D>(d, rows, columns));
  std::vector<double> memory(elements * width + 2 * width + 8);
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  double* aligned = memory.data() + (64 - address % 64) % 64 / sizeof(double);
  LogDensity<T> m(WholeTeam{}, Workspace{nullptr, nullptr, aligned, nullptr, width});
  T result(0.);
  {
    auto prepared = prepare_events(m, d, rows, columns);
    result = T(prepared.log_density(m, d, y));
  }
  EXPECT_EQ(m.scratch_used(), int(elements));
  return first_lane(result);
}
template <class T, class D> double log_density(const D& d, const Values& y) {
  return log_density<T>(d, Dim{}, Dim{0, 0, int(y.size())}, DataEvent{y.data()});
}

template <class T, class Make>
void expect_right_in_lanes(const char* name, const json& golden_case, bool triangle, const Make& make) {
  Case c(golden_case);
  Input& y = c["y"];
  const int length = int(y.row_starts.size());
  const bool vector = y.width == 1 && !golden_case.at("y")[0].is_array();
  const Dim rows{1, 0, vector || triangle ? 0 : length}, columns{0, 0, vector || triangle ? length : y.width};
  const double expected = std::stod(golden_case.at("log_density").get<std::string>());
  const double got = log_density<T>(make(c), rows, columns, WatchedEvent{&y, triangle});
  const double error = std::abs(got - expected) / std::max(1., std::abs(expected));
  EXPECT_LE(error, 1e-10) << name << " " << golden_case.dump() << " is " << got;
  LargestErrors::note(name, "log density", LaneTraits<T>::width, error);
  std::size_t compared = 0;
  for (const auto& [input, slopes] : golden_case.at("slopes").items()) {
    const Values& adjoints = c[input.c_str()].adjoints;
    ASSERT_EQ(adjoints.size(), slopes.size());
    for (std::size_t i = 0; i < slopes.size(); ++i, ++compared) {
      const double slope = std::stod(std::string(slopes[i]));
      const double off = std::abs(adjoints[i] - slope) / std::max(1., std::abs(slope));
      EXPECT_LE(off, 1e-9) << name << " " << golden_case.dump() << ", slope " << i << " by " << input << " is " << adjoints[i];
      LargestErrors::note(name, "gradient", LaneTraits<T>::width, off);
    }
  }
  EXPECT_GT(compared, 0u);
}
// `make(case)` is the distribution. `triangle`: events are square matrices, of which the case has the lower triangle.
template <class Make> void expect_right(const char* name, const Make& make, bool triangle = false) {
  for (const json& c : golden(name)) {
    expect_right_in_lanes<double>(name, c, triangle, make);
    expect_right_in_lanes<Pack>(name, c, triangle, make);
  }
}

// ---- vectors --------------------------------------------------------------------------------------------------------------

TEST(JointDensity, OfTheDirichlet) {
  expect_right("dirichlet", [](Case& c) { return dirichlet(c["alpha"].vector()); });
}
TEST(JointDensity, OfStickBreakingWeights) {
  expect_right("stick_breaking_weights", [](Case& c) { return stick_breaking_weights(c["alpha"].number()); });
}
TEST(JointDensity, OfTheMultivariateNormal) {
  expect_right("mv_normal_cholesky", [](Case& c) { return mv_normal_cholesky(c["mu"].vector(), c.node("factor")); });
}
TEST(JointDensity, OfTheMultivariateNormalByItsPrecision) {
  expect_right("mv_normal_precision_cholesky",
               [](Case& c) { return mv_normal_precision_cholesky(c["mu"].vector(), c.node("factor")); });
}
TEST(JointDensity, OfTheMultivariateNormalOfLowRank) {
  expect_right("mv_normal_low_rank", [](Case& c) {
    return mv_normal_low_rank(c["mu"].vector(), c.node("loadings", {}, Dim{2, 0, c["loadings"].width}),
                              c.vector_node("variance"));
  });
}
TEST(JointDensity, OfTheMultivariateStudentT) {
  expect_right("mv_student_t_cholesky",
               [](Case& c) { return mv_student_t_cholesky(c["nu"].number(), c["mu"].vector(), c.node("factor")); });
}
TEST(JointDensity, OfTheZeroSumNormal) {
  expect_right("zero_sum_normal", [](Case& c) { return zero_sum_normal(c["sigma"].number()); });
}

// ---- counts ---------------------------------------------------------------------------------------------------------------

double total(const Values& y) { return std::accumulate(y.begin(), y.end(), 0.); }

TEST(JointDensity, OfTheMultinomial) {
  expect_right("multinomial", [](Case& c) { return multinomial(total(c.values("y")), c["p"].vector()); });
}
TEST(JointDensity, OfTheDirichletMultinomial) {
  expect_right("dirichlet_multinomial", [](Case& c) { return dirichlet_multinomial(total(c.values("y")), c["alpha"].vector()); });
}
TEST(JointDensity, OfTheOrderedMultinomial) {
  expect_right("ordered_multinomial", [](Case& c) {
    return ordered_multinomial(c["eta"].number(), c.vector_node("cutpoints"), total(c.values("y")));
  });
}

TEST(JointDensity, IsImpossibleForWhatAreNoCountsOfTheTrials) {
  Input cutpoints{json({-0.5, 1})};
  const WatchedVector cuts{&cutpoints};
  const auto expect_impossible = [&](const Values& y) {
    EXPECT_EQ(log_density<double>(multinomial(5, 0.25), y), -INFINITY);
    EXPECT_EQ(log_density<Pack>(multinomial(5, 0.25), y), -INFINITY);
    EXPECT_EQ(log_density<double>(dirichlet_multinomial(5, 2), y), -INFINITY);
    EXPECT_EQ(log_density<Pack>(dirichlet_multinomial(5, 2), y), -INFINITY);
    EXPECT_EQ(log_density<double>(ordered_multinomial(0.3, cuts, 5), y), -INFINITY);
    EXPECT_EQ(log_density<Pack>(ordered_multinomial(0.3, cuts, 5), y), -INFINITY);
  };
  expect_impossible({1, 2, 3});
  expect_impossible({-1, 3, 3});
  expect_impossible({1.5, 1.5, 2});
  // Nothing falls where the probability is 0; and what does is impossible.
  Input none{json({0, 0.5, 0.5})};
  EXPECT_NEAR(log_density<double>(multinomial(2, none.vector()), {0, 1, 1}), std::log(0.5), 1e-14);
  EXPECT_EQ(log_density<double>(multinomial(2, none.vector()), {1, 0, 1}), -INFINITY);
}

// ---- series ---------------------------------------------------------------------------------------------------------------

// The distribution of the first values.
auto init(Case& c) { return normal(c["init"].element(0), c["init"].element(1)); }

TEST(JointDensity, OfTheGaussianRandomWalk) {
  expect_right("gaussian_random_walk",
               [](Case& c) { return gaussian_random_walk(c["mu"].vector(), c["sigma"].vector(), init(c)); });
}
TEST(JointDensity, OfARandomWalkOfOtherSteps) {
  expect_right("random_walk", [](Case& c) {
    return random_walk(student_t(c["step"].element(0), c["step"].element(1), c["step"].element(2)), init(c));
  });
}
TEST(JointDensity, OfAnAutoregression) {
  expect_right("ar", [](Case& c) { return ar(c.vector_node("rho"), c["sigma"].number(), init(c)); });
}
TEST(JointDensity, OfAnEulerMaruyamaScheme) {
  expect_right("euler_maruyama", [](Case& c) {
    const auto theta = c["theta"].number(), mu = c["mu"].number(), sigma = c["sigma"].number();
    return euler_maruyama([=](auto x) { return theta * (mu - x); }, [=](auto x) { return sigma * sqrt(1 + square(x)); },
                          c["dt"].number(), init(c));
  });
}
TEST(JointDensity, OfRandomWalksOfVectors) {
  expect_right("mv_gaussian_random_walk", [](Case& c) {
    return mv_gaussian_random_walk(c["mu"].vector(), c.node("factor"), mv_normal_cholesky(0, c.node("init")));
  });
  expect_right("mv_student_t_random_walk", [](Case& c) {
    return mv_student_t_random_walk(c["nu"].number(), c["mu"].vector(), c.node("factor"), mv_normal_cholesky(0, c.node("init")));
  });
}
TEST(JointDensity, OfAMarkovChain) {
  const auto states = [](Case& c) { return Dim{3, 0, int(c["initial"].numbers.size())}; };
  expect_right("discrete_markov_chain", [&](Case& c) {
    return discrete_markov_chain(c["initial"].vector(), c.node("transition", states(c), states(c)));
  });
  expect_right("discrete_markov_chain", [&](Case& c) {
    const WatchedMatrix& p = c.node("transition");
    return discrete_markov_chain(states(c), c["initial"].vector(), [&p](auto, auto from, auto to) { return p(from, to); });
  });
  // What is no state is impossible.
  const auto coin = discrete_markov_chain(Dim{3, 0, 2}, 0.5, [](auto, auto, auto) { return 0.5; });
  EXPECT_NEAR(log_density<double>(coin, {0, 1, 1}), 3 * std::log(0.5), 1e-15);
  EXPECT_EQ(log_density<double>(coin, {0, 2, 1}), -INFINITY);
  EXPECT_EQ(log_density<Pack>(coin, {0.5, 1, 1}), -INFINITY);
}

// ---- areas ----------------------------------------------------------------------------------------------------------------

// The graph of a case, and the data that it is bound to.
struct Map {
  Data data;
  std::deque<DataViews> views;
  std::deque<Dataset> set;
  NeighbourSpectrum spectrum;
  explicit Map(const Case& c) {
    const auto one_based = [](std::vector<int> positions) { return Values(positions.begin(), positions.end()); };
    Values first = one_based(c.pairs(0)), second = one_based(c.pairs(1));
    for (double& v : first) ++v;
    for (double& v : second) ++v;
    data.set("first", first);
    data.set("second", second);
    data.set("area", double(c.values("y").size()));
    views.emplace_back(data);
    set.emplace_back(views.front().view());
    Dataset& d = set.front();
    const Dim area = d.dim("area"), pair = d.dim("pair");
    spectrum = d.neighbour_spectrum(d.index("first", pair, area), d.index("second", pair, area));
  }
};

TEST(JointDensity, OfTheIntrinsicAutoregressionOfNeighbours) {
  std::deque<Map> maps;
  expect_right("icar", [&](Case& c) { return icar(maps.emplace_back(c).spectrum, c["sigma"].number()); });
}
TEST(JointDensity, OfTheProperAutoregressionOfNeighbours) {
  std::deque<Map> maps;
  expect_right("car", [&](Case& c) {
    return car(maps.emplace_back(c).spectrum, c["mu"].vector(), c["alpha"].number(), c["tau"].number());
  });
}

// ---- matrices ---------------------------------------------------------------------------------------------------------------

TEST(JointDensity, OfTheMatrixNormal) {
  expect_right("matrix_normal",
               [](Case& c) { return matrix_normal(c["mu"].matrix(), c.node("rows_factor"), c.node("factor")); });
}
TEST(JointDensity, OfTheZeroSumMatrixNormal) {
  expect_right("zero_sum_matrix_normal", [](Case& c) { return zero_sum_matrix_normal(c["sigma"].number()); });
}
TEST(JointDensity, OfTheLkjCholesky) {
  expect_right("lkj_cholesky", [](Case& c) { return lkj_cholesky(c["eta"].number()); }, true);
}
TEST(JointDensity, OfTheLkjCorrelationMatrix) {
  expect_right("lkj_corr", [](Case& c) { return lkj_corr(c["eta"].number()); }, true);
}
TEST(JointDensity, OfTheLkjCholeskyCovariance) {
  expect_right(
      "lkj_cholesky_cov",
      [](Case& c) { return lkj_cholesky_cov(c["eta"].number(), gamma(c["scale"].element(0), c["scale"].element(1))); }, true);
}
TEST(JointDensity, OfTheWishartCholesky) {
  expect_right("wishart_cholesky", [](Case& c) { return wishart_cholesky(c["nu"].number(), c.node("factor")); }, true);
}
TEST(JointDensity, OfTheInverseWishartCholesky) {
  expect_right("inverse_wishart_cholesky",
               [](Case& c) { return inverse_wishart_cholesky(c["nu"].number(), c.node("factor")); }, true);
}
TEST(JointDensity, OfTheWishart) {
  expect_right("wishart", [](Case& c) { return wishart(c["nu"].number(), c.node("factor")); }, true);
}
TEST(JointDensity, OfTheInverseWishart) {
  expect_right("inverse_wishart", [](Case& c) { return inverse_wishart(c["nu"].number(), c.node("factor")); }, true);
}

}  // namespace
}  // namespace lockstep
