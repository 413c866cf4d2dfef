// Every transform from the unconstrained line against the same formula in long double: values, inverse, Jacobian by a
// numerical determinant; and the gradient of models with such parameters, whose log density is written out here again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "lockstep/gradient.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/data.hpp"

namespace lockstep {
namespace {

using Exact = long double;  // 64 bits of mantissa at least
using Point = std::vector<Exact>;

constexpr double eps = std::numeric_limits<double>::epsilon();

// df/dx by central differences, their error removed up to h^8 by Richardson's extrapolation: right to 1e-14 of the size
// of f, for functions that vary over lengths of 1.
Exact slope(const std::function<Exact(Exact)>& f, Exact x) {
  constexpr int levels = 5;
  Exact table[levels];
  Exact h = 0.0625;
  for (int k = 0; k < levels; ++k, h /= 2) {
    table[k] = (f(x + h) - f(x - h)) / (2 * h);
    Exact factor = 1;
    for (int j = k - 1; j >= 0; --j) {
      factor *= 4;
      table[j] = table[j + 1] + (table[j + 1] - table[j]) / (factor - 1);
    }
  }
  return table[0];
}

Exact partial(const std::function<Exact(const Point&)>& f, const Point& x, std::size_t i) {
  return slope(
      [&](Exact at) {
        Point moved = x;
        moved[i] = at;
        return f(moved);
      },
      x[i]);
}

// log|det| by Gaussian elimination with pivoting.
Exact log_determinant(std::vector<Point> a) {
  Exact sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < a.size(); ++i)
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    sum += std::log(std::abs(a[k][k]));
    for (std::size_t i = k + 1; i < a.size(); ++i)
      for (std::size_t j = a.size(); j-- > k;) a[i][j] -= a[i][k] / a[k][k] * a[k][j];
  }
  return sum;
}

Exact sigmoid_ld(Exact x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
Exact log_sigmoid_ld(Exact x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }

// ---- one number ----------------------------------------------------------------------------------------------------

// Bounds that are constants need no context.
struct NoContext {
  using value_type = double;
};

// A support, and its transform written again.
struct Transform {
  std::string name;
  std::function<double(double)> constrain, log_jacobian, unconstrain;
  // adjoint * dvalue/dx + weight * dlog|J|/dx
  std::function<double(double x, double adjoint, double weight)> gradient;
  std::function<Exact(Exact)> reference;
  double largest;  // of the bounds, which set the size of roundings
};

template <class S>
Transform transform(const std::string& name, const S& support, std::function<Exact(Exact)> reference,
                    double largest = 0) {
  return {name,
          [=](double x) { return support.bind(NoContext{}).constrain(x).value; },
          [=](double x) {
            double sum = 0;
            accumulate(sum, support.bind(NoContext{}).constrain(x).log_jacobian());
            return sum;
          },
          [=](double value) { return support.bind(NoContext{}).unconstrain(value); },
          [=](double x, double adjoint, double weight) {
            auto bound = support.bind(NoContext{});
            return bound.gradient(bound.constrain(x), adjoint, weight);
          },
          std::move(reference), largest};
}

Exact scaled_ld(Exact lower, Exact upper, Exact x) { return lower + (upper - lower) * sigmoid_ld(x); }

std::vector<Transform> transforms() {
  return {
      transform("real_line", real_line(), [](Exact x) { return x; }),
      transform("positive", positive(), [](Exact x) { return std::exp(x); }),
      transform("softplus_positive", softplus_positive(),
                [](Exact x) { return x < 0 ? std::log1p(std::exp(x)) : x + std::log1p(std::exp(-x)); }),
      transform(
          "scaled by 2 about 3", scaled(3, 2), [](Exact x) { return 3 + 2 * x; }, 3),
      transform(
          "scaled by 0.01 about -100", scaled(-100, 0.01), [](Exact x) { return -100 + Exact(0.01) * x; }, 100),
      transform(
          "above 2", above(2), [](Exact x) { return 2 + std::exp(x); }, 2),
      transform(
          "above -1000", above(-1e3), [](Exact x) { return -1e3L + std::exp(x); }, 1e3),
      transform(
          "below 5", below(5), [](Exact x) { return 5 - std::exp(x); }, 5),
      transform("unit_interval", unit_interval(), [](Exact x) { return sigmoid_ld(x); }),
      transform(
          "between -1 and 4", between(-1, 4), [](Exact x) { return scaled_ld(-1, 4, x); }, 4),
      transform(
          "between -2 and 0.1", between(-2, 0.1), [](Exact x) { return scaled_ld(-2, 0.1, x); }, 2),
      transform(
          "between 1000 and 1000.5", between(1e3, 1000.5), [](Exact x) { return scaled_ld(1e3, 1000.5, x); }, 1e3),
  };
}

const std::vector<double> coordinates = {-9, -4.4, -1, -0.2, 0, 0.3, 1.7, 3.1, 8.5};
const std::vector<double> extreme_coordinates = {-700, -300, -45, -36.8, 36.8, 45, 300, 700};

TEST(Transform, MapsTheLineAsItsFormulaDoes) {
  for (const Transform& t : transforms())
    for (const double x : coordinates) {
      const double reference = double(t.reference(x));
      EXPECT_NEAR(t.constrain(x), reference, 4 * eps * (std::abs(reference) + t.largest)) << t.name << " at " << x;
    }
}

// The determinant of a one by one matrix is the slope; what long double differences lose is rounding over the slope.
TEST(Transform, HasTheJacobianOfANumericalDerivative) {
  for (const Transform& t : transforms())
    for (const double x : coordinates)
      EXPECT_NEAR(t.log_jacobian(x), double(std::log(std::abs(slope(t.reference, x)))),
                  1e-12 + 1e-17 * t.largest * std::exp(-t.log_jacobian(x)))
          << t.name << " at " << x;
}

TEST(Transform, PullsAnAdjointThroughItsSlopeAndAddsThatOfTheJacobian) {
  for (const Transform& t : transforms())
    for (const double x : coordinates) {
      const double by_value = double(slope(t.reference, x));
      const double by_jacobian = double(slope([&](Exact at) { return t.log_jacobian(double(at)); }, x));
      const double tolerance = 1e-11 * std::max(1., std::abs(by_value));
      EXPECT_NEAR(t.gradient(x, 1, 0), by_value, tolerance) << t.name << " at " << x;
      EXPECT_NEAR(t.gradient(x, 2.5, 1), 2.5 * by_value + by_jacobian, tolerance) << t.name << " at " << x;
    }
}

// Rounding of a value moves its coordinate by the rounding over the slope.
TEST(Transform, IsTheInverseOfUnconstrain) {
  for (const Transform& t : transforms())
    for (const double x : coordinates) {
      const double value = t.constrain(x), value_rounding = 4 * eps * (std::abs(value) + t.largest);
      const double per_value = std::exp(-t.log_jacobian(x));
      const double back = t.unconstrain(value);
      EXPECT_NEAR(back, x, 4 * eps * (1 + std::abs(x)) + value_rounding * per_value) << t.name;
      EXPECT_NEAR(t.constrain(back), value, 2 * value_rounding) << t.name << " at " << x;
    }
}

TEST(Transform, StaysInsideItsSupportAndFiniteAtExtremeCoordinates) {
  for (const Transform& t : transforms())
    for (const double x : extreme_coordinates) {
      EXPECT_TRUE(std::isfinite(t.constrain(x))) << t.name << " at " << x;
      EXPECT_TRUE(std::isfinite(t.log_jacobian(x))) << t.name << " at " << x;
      EXPECT_TRUE(std::isfinite(t.gradient(x, 1, 1))) << t.name << " at " << x;
    }
  for (const double x : extreme_coordinates) {
    EXPECT_LE(between(-2, 0.1).bind(NoContext{}).constrain(x).value, 0.1);
    EXPECT_GE(between(-2, 0.1).bind(NoContext{}).constrain(x).value, -2);
    EXPECT_GE(unit_interval().bind(NoContext{}).constrain(x).complement(), 0.);
  }
}

TEST(Unconstrain, GivesNoFiniteCoordinateOnOrOutsideTheBounds) {
  auto expect_outside = [](const auto& support, std::initializer_list<double> values) {
    for (const double value : values)
      EXPECT_FALSE(std::isfinite(support.bind(NoContext{}).unconstrain(value))) << support.description << ": " << value;
  };
  const double infinity = std::numeric_limits<double>::infinity();
  expect_outside(positive(), {0., -1., infinity});
  expect_outside(softplus_positive(), {0., -1., infinity});
  expect_outside(above(2), {2., 1., infinity});
  expect_outside(below(2), {2., 3., -infinity});
  expect_outside(between(-1, 2), {-1., 2., -3., 3., infinity, -infinity});
  expect_outside(unit_interval(), {0., 1., -0.5, 1.5, infinity, -infinity});
}

// ---- joint supports ------------------------------------------------------------------------------------------------

Point ordered_ld(const Point& x) {
  Point value = x;
  for (std::size_t i = 1; i < x.size(); ++i) value[i] = value[i - 1] + std::exp(x[i]);
  return value;
}

const std::vector<std::vector<double>> ordered_points = {
    {0.7}, {-1.2, 0.4}, {3.0, -2.5, 1.1}, {-0.3, 0.8, -1.9, 0.2, 1.3}, {-200, -3, -4}};

Point positive_ordered_ld(const Point& x) {
  Point value = ordered_ld(x);
  for (Exact& v : value) v += std::exp(x[0]) - x[0];
  return value;
}

// Stick breaking, with shares of what is left.
Point simplex_ld(const Point& x) {
  Point value;
  Exact left = 1;
  for (std::size_t k = 0; k < x.size(); ++k) {
    value.push_back(left * sigmoid_ld(x[k] - std::log(Exact(x.size() - k))));
    left -= value.back();
  }
  value.push_back(left);
  return value;
}

// Row by row from partial correlations.
Point cholesky_correlation_ld(const Point& x) {
  std::size_t n = 1;
  while (n * (n - 1) / 2 < x.size()) ++n;
  Point value(n * n);
  for (std::size_t i = 0, next = 0; i < n; ++i) {
    Exact sum = 0;
    for (std::size_t j = 0; j < i; ++j, ++next) {
      value[i * n + j] = std::tanh(x[next]) * std::sqrt(1 - sum);
      sum += value[i * n + j] * value[i * n + j];
    }
    value[i * n + i] = std::sqrt(1 - sum);
  }
  return value;
}

// An orthonormal basis of the plane of zero sums: the first unit vectors, each with its reflection.
Point zero_sum_ld(const Point& x) {
  const Exact n = Exact(x.size() + 1);
  Exact sum = 0;
  for (Exact each : x) sum += each;
  Point value;
  for (Exact each : x) value.push_back(each - sum / (n + std::sqrt(n)));
  value.push_back(-sum / std::sqrt(n));
  return value;
}

Point cholesky_covariance_ld(const Point& x) {
  std::size_t n = 0, next = 0;
  while (n * (n + 1) / 2 < x.size()) ++n;
  Point value(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) value[i * n + j] = x[next++];
    value[i * n + i] = std::exp(x[next++]);
  }
  return value;
}

// L L^T
Point times_its_transpose(const Point& l) {
  const std::size_t n = std::size_t(std::lround(std::sqrt(double(l.size()))));
  Point value(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t k = 0; k < n; ++k) value[i * n + j] += l[i * n + k] * l[j * n + k];
  return value;
}
Point correlation_ld(const Point& x) { return times_its_transpose(cholesky_correlation_ld(x)); }
Point covariance_ld(const Point& x) { return times_its_transpose(cholesky_covariance_ld(x)); }

// The sizes of the matrices here that have so many free elements.
MatrixExtent matrix_extent(int coordinates) {
  if (coordinates == 0) return {1, 3};
  if (coordinates == 1) return {2, 2};
  if (coordinates == 2) return {3, 2};
  return {3, 4};
}
Point zero_sum_matrix_ld(const Point& x) {
  const auto [r, c] = matrix_extent(int(x.size()));
  const std::size_t rows = std::size_t(r), columns = std::size_t(c);
  Point value(rows * columns);
  for (std::size_t i = 0; i + 1 < rows; ++i) {
    const Point row =
        zero_sum_ld(Point(x.begin() + std::ptrdiff_t(i * (columns - 1)), x.begin() + std::ptrdiff_t((i + 1) * (columns - 1))));
    std::copy(row.begin(), row.end(), value.begin() + std::ptrdiff_t(i * columns));
  }
  for (std::size_t j = 0; j < columns; ++j) {
    Point free;
    for (std::size_t i = 0; i + 1 < rows; ++i) free.push_back(value[i * columns + j]);
    const Point column = zero_sum_ld(free);
    for (std::size_t i = 0; i < rows; ++i) value[i * columns + j] = column[i];
  }
  return value;
}

// The sizes of the matrices here whose columns have so many free elements together; and the matrices.
MatrixExtent stochastic_extent(int coordinates) {
  if (coordinates == 0) return {1, 3};
  if (coordinates == 1) return {2, 1};
  if (coordinates == 2) return {2, 2};
  return {4, coordinates / 3};
}
Point column_stochastic_ld(const Point& x) {
  const auto [r, c] = stochastic_extent(int(x.size()));
  const std::size_t rows = std::size_t(r), columns = std::size_t(c);
  Point value(rows * columns);
  for (std::size_t j = 0; j < columns; ++j) {
    const auto first = x.begin() + std::ptrdiff_t(j * (rows - 1));
    const Point column = simplex_ld(Point(first, first + std::ptrdiff_t(rows - 1)));
    for (std::size_t i = 0; i < rows; ++i) value[i * columns + j] = column[i];
  }
  return value;
}

// A joint support, its formula, points, and which of its values are free: the others follow from them.
template <class Support> struct JointCase {
  using Kind = Support;
  const char* name;
  Point (*formula)(const Point&);
  std::vector<std::vector<double>> points;
  using Extent = typename Support::Extent;
  std::function<bool(Extent extent, int value)> is_free;
  std::function<Extent(int coordinates)> extent;

  struct Mapped {
    std::vector<double> values, logs;
    double log_jacobian;
  };
  Mapped map(std::vector<double> x) const {
    const Extent n = extent(int(x.size()));
    Mapped mapped{std::vector<double>(std::size_t(Support::values(n))), std::vector<double>(std::size_t(Support::values(n))), 0};
    mapped.log_jacobian = Support::template constrain<double>(LaneArray<double>{x.data()}, LaneArray<double>{mapped.values.data()},
                                                              LaneArray<double>{mapped.logs.data()}, n);
    return mapped;
  }
};

template <class F, class Rows> void for_covariances(const F& f, const Rows& rows) {
  const std::vector<std::vector<double>> points{{0.4}, {-1.2, 0.7, 0.1}, {0.3, -0.6, 0.9, -0.5, 0.1, 1.3}, {-4, 3, 2}};
  const auto on_or_below = [](int n, int e) { return e % n <= e / n; };
  f(JointCase<CholeskyCovariance>{"Cholesky factor of a covariance matrix", cholesky_covariance_ld, points, on_or_below, rows});
  f(JointCase<CovarianceMatrix>{"covariance matrix", covariance_ld, points, on_or_below, rows});
}

// `only_full_rank`: those whose Jacobian is that of some of their values by all coordinates.
template <bool only_full_rank = false, class F> void for_joint_supports(const F& f) {
  const auto all = [](int, int) { return true; };
  const auto same = [](int coordinates) { return coordinates; };
  f(JointCase<Ordered>{"ordered", ordered_ld, ordered_points, all, same});
  f(JointCase<PositiveOrdered>{"positive ordered", positive_ordered_ld,
                               {{0.7}, {-1.2, 0.4}, {3.0, -2.5, 1.1}, {-0.3, 0.8, -1.9, 0.2, 1.3}}, all, same});
  f(JointCase<Simplex>{"simplex", simplex_ld, {{}, {0.4}, {-1.2, 2.1}, {0.3, -0.6, 1.9, -2.5, 0.1}, {-7, 5, 0}},
                       [](int n, int i) { return i + 1 < n; }, [](int coordinates) { return coordinates + 1; }});
  f(JointCase<ColumnStochastic>{"columns are simplexes", column_stochastic_ld,
                                {{}, {0.4}, {-1.2, 2.1}, {0.3, -0.6, 1.9, -2.5, 0.1, 0.7}, {-7, 5, 0}},
                                [](MatrixExtent n, int e) { return e / n.columns + 1 < n.rows; }, stochastic_extent});
  if constexpr (!only_full_rank) {
    f(JointCase<ZeroSumMatrix>{"zero sums of rows and columns", zero_sum_matrix_ld,
                               {{}, {0.4}, {-1.2, 2.1}, {0.3, -0.6, 1.9, -2.5, 0.1, 0.7}, {-7e3, 5, 0, 1, 2, -1}},
                               [](MatrixExtent, int) { return true; }, matrix_extent});
    f(JointCase<ZeroSum>{"zero sum", zero_sum_ld, {{}, {0.4}, {-1.2, 2.1}, {0.3, -0.6, 1.9, -2.5, 0.1}, {-7e3, 5, 0}},
                         [](int, int) { return true; }, [](int coordinates) { return coordinates + 1; }});
  }
  const auto below = [](int n, int e) { return e % n < e / n; };
  const auto rows_of_triangle = [](int elements) { return int(std::lround((std::sqrt(1 + 8. * elements) - 1) / 2)); };
  f(JointCase<CorrelationMatrix>{"correlation matrix", correlation_ld,
                                 {{}, {0.4}, {-1.2, 0.7, 0.1}, {0.3, -0.6, 0.9, -0.5, 0.1, 1.3}, {-2, 1, 0}},
                                 below, [=](int coordinates) { return rows_of_triangle(coordinates) + 1; }});
  for_covariances(f, rows_of_triangle);
  f(JointCase<CholeskyCorrelation>{"Cholesky factor of a correlation matrix", cholesky_correlation_ld,
                                   {{}, {0.4}, {-1.2, 0.7, 0.1}, {0.3, -0.6, 0.9, -0.5, 0.1, 1.3}, {-4, 3, 0}},
                                   below, [=](int coordinates) { return rows_of_triangle(coordinates) + 1; }});
}

TEST(JointSupports, MapTheLineAsTheirFormulasDoAndBack) {
  for_joint_supports([](const auto& c) {
    SCOPED_TRACE(c.name);
    using Support = typename std::remove_cvref_t<decltype(c)>::Kind;
    for (const std::vector<double>& x : c.points) {
      const auto mapped = c.map(x);
      const Point reference = c.formula(Point(x.begin(), x.end()));
      ASSERT_EQ(mapped.values.size(), reference.size());
      for (std::size_t i = 0; i < reference.size(); ++i) {
        EXPECT_NEAR(mapped.values[i], double(reference[i]), 16 * eps * std::abs(reference[i]) + 1e-18);
        if constexpr (Support::keeps_logs)
          EXPECT_NEAR(mapped.logs[i], double(std::log(reference[i])), 16 * eps * (1 + std::abs(std::log(reference[i]))));
      }
      std::vector<double> back(x.size());
      Support::unconstrain(mapped.values.data(), back.data(), c.extent(int(x.size())));
      // What is lost where the values crowd together: the coordinate's size by the value's rounding.
      for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(back[i], x[i], 1e-11 * (1 + std::exp(2 * std::abs(std::min(x[i], 4.)))));
    }
  });
}

TEST(JointSupports, HaveTheJacobianOfANumericalDeterminant) {
  for_joint_supports<true>([](const auto& c) {
    SCOPED_TRACE(c.name);
    for (const std::vector<double>& x : c.points) {
      const Point at(x.begin(), x.end());
      const auto n = c.extent(int(x.size()));
      const int values = int(c.formula(at).size());
      std::vector<Point> matrix;
      for (int i = 0; i < values; ++i) {
        if (!c.is_free(n, i)) continue;
        matrix.emplace_back();
        for (std::size_t k = 0; k < x.size(); ++k)
          matrix.back().push_back(partial([&](const Point& p) { return c.formula(p)[std::size_t(i)]; }, at, k));
      }
      ASSERT_EQ(matrix.size(), x.size());
      EXPECT_NEAR(c.map(x).log_jacobian, double(log_determinant(matrix)), 1e-10);
    }
  });
}

// Coordinates that make more than the values need, by one: (values but the last, length) is as many. Against the surface of the
// sphere, the last value's element is the others' over its own size; the length has its own distribution.
TEST(JointSupports, OfDirectionsHaveTheJacobianOfANumericalDeterminantAndTheDensityOfALength) {
  for (const std::vector<double>& x :
       std::vector<std::vector<double>>{{0.4}, {-1.2, 0.7}, {0.3, -0.6, 0.9}, {2, 1, -0.3, 0.4, -1.7}}) {
    const int n = int(x.size());
    const auto length = [](const Point& p) {
      Exact squares = 0;
      for (Exact v : p) squares += v * v;
      return std::sqrt(squares);
    };
    const Point at(x.begin(), x.end());
    std::vector<Point> matrix;
    for (int i = 0; i < n; ++i) {
      matrix.emplace_back();
      for (std::size_t k = 0; k < x.size(); ++k)
        matrix.back().push_back(
            partial([&](const Point& p) { return i + 1 < n ? p[std::size_t(i)] / length(p) : length(p); }, at, k));
    }
    std::vector<double> coordinates = x, values(x.size()), back(x.size());
    const double log_jacobian = UnitVector::constrain<double>(LaneArray<double>{coordinates.data()},
                                                              LaneArray<double>{values.data()}, LaneArray<double>{}, n);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(values[i], double(at[i] / length(at)), 4 * eps);
    const Exact r = length(at), m = n;   // chi with n degrees of freedom
    const Exact log_chi = (1 - m / 2) * std::log(Exact(2)) - std::lgamma(m / 2) + (m - 1) * std::log(r) - r * r / 2;
    EXPECT_NEAR(log_jacobian, double(log_determinant(matrix) - std::log(std::abs(at.back() / r)) + log_chi), 1e-10);
    UnitVector::unconstrain(values.data(), back.data(), n);
    std::vector<double> again(x.size());
    UnitVector::constrain<double>(LaneArray<double>{back.data()}, LaneArray<double>{again.data()}, LaneArray<double>{}, n);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(again[i], values[i], 4 * eps);
  }
}

// (angle, distance) of the point; the distance has a Rayleigh distribution.
TEST(JointSupports, OfAnglesHaveTheJacobianOfANumericalDeterminantAndTheDensityOfADistance) {
  const std::vector<std::vector<double>> points{{0.4, 0.3}, {-1.2, 0.7}, {-0.6, -0.9}, {0.1, -1.7}, {1, 0},
                                                {-1, 1e-9}, {-1, -1e-9}, {0, 2},       {0, -0.5}};
  std::vector<double> all;
  double log_jacobian_of_all = 0;
  for (const std::vector<double>& x : points) {
    const Point at{x[0], x[1]};
    const Exact turn = std::atan2(at[1], at[0]), r = std::hypot(at[0], at[1]);
    // The angle less the point's own, which has no jump there.
    const auto angle = [&](const Point& p) {
      return std::atan2(p[1] * std::cos(turn) - p[0] * std::sin(turn), p[0] * std::cos(turn) + p[1] * std::sin(turn));
    };
    const auto distance = [](const Point& p) { return std::hypot(p[0], p[1]); };
    const std::vector<Point> matrix{{partial(angle, at, 0), partial(angle, at, 1)},
                                    {partial(distance, at, 0), partial(distance, at, 1)}};
    std::vector<double> coordinates = x, value(1), back(2), again(1);
    const double log_jacobian = Circular::constrain<double>(LaneArray<double>{coordinates.data()},
                                                            LaneArray<double>{value.data()}, LaneArray<double>{}, 1);
    EXPECT_NEAR(value[0], double(turn), 4 * eps * std::abs(double(turn)));
    EXPECT_NEAR(log_jacobian, double(log_determinant(matrix) + std::log(r) - r * r / 2), 1e-10);
    Circular::unconstrain(value.data(), back.data(), 1);
    Circular::constrain<double>(LaneArray<double>{back.data()}, LaneArray<double>{again.data()}, LaneArray<double>{}, 1);
    EXPECT_NEAR(again[0], value[0], 4 * eps * std::abs(value[0]));
    all.insert(all.end(), x.begin(), x.end());
    log_jacobian_of_all += log_jacobian;
  }
  std::vector<double> angles(points.size());
  EXPECT_NEAR(Circular::constrain<double>(LaneArray<double>{all.data()}, LaneArray<double>{angles.data()}, LaneArray<double>{},
                                          int(points.size())),
              log_jacobian_of_all, 1e-13);
}

// All its values by all coordinates, J: log det(J^T J)/2, in the plane where values sum to zero.
TEST(JointSupports, OfZeroSumsHaveTheJacobianOfANumericalDeterminantInTheirPlane) {
  for_joint_supports([](const auto& c) {
    using Support = typename std::remove_cvref_t<decltype(c)>::Kind;
    if constexpr (std::is_same_v<Support, ZeroSum> || std::is_same_v<Support, ZeroSumMatrix>)
      for (const std::vector<double>& x : c.points) {
        const Point at(x.begin(), x.end());
        std::vector<Point> j, product(x.size(), Point(x.size()));
        const auto mapped = c.map(x);
        for (std::size_t i = 0; i < mapped.values.size(); ++i) {
          j.emplace_back();
          for (std::size_t k = 0; k < x.size(); ++k)
            j.back().push_back(partial([&](const Point& p) { return c.formula(p)[i]; }, at, k));
        }
        for (std::size_t a = 0; a < x.size(); ++a)
          for (std::size_t b = 0; b < x.size(); ++b)
            for (const Point& row : j) product[a][b] += row[a] * row[b];
        EXPECT_NEAR(mapped.log_jacobian, double(log_determinant(product) / 2), 1e-10);
        double size = 0;
        for (double v : mapped.values) size += std::abs(v);
        const auto expect_no_sum = [&](std::size_t first, std::size_t step, std::size_t count) {
          double sum = 0;
          for (std::size_t i = 0; i < count; ++i) sum += mapped.values[first + i * step];
          EXPECT_LE(std::abs(sum), 8 * eps * size);
        };
        if constexpr (std::is_same_v<Support, ZeroSum>) {
          expect_no_sum(0, 1, mapped.values.size());
        } else {
          const auto [r, columns] = matrix_extent(int(x.size()));
          for (int i = 0; i < r; ++i) expect_no_sum(std::size_t(i * columns), 1, std::size_t(columns));
          for (int k = 0; k < columns; ++k) expect_no_sum(std::size_t(k), std::size_t(columns), std::size_t(r));
        }
      }
  });
}

TEST(JointSupports, StayInsideAndFiniteAtExtremeCoordinates) {
  for_joint_supports([](const auto& c) {
    SCOPED_TRACE(c.name);
    for (const double far : {-300., -40., 40., 300.}) {
      const auto mapped = c.map(std::vector<double>(c.points.back().size(), far));
      EXPECT_FALSE(std::isnan(mapped.log_jacobian));
      for (double v : mapped.values) EXPECT_FALSE(std::isnan(v)) << far;
    }
  });
}

TEST(JointSupports, GiveNoFiniteCoordinateForValuesOutside) {
  const auto outside = [](auto support, const std::vector<double>& values, auto extent) {
    std::vector<double> x(std::size_t(support.coordinates(extent)));
    support.unconstrain(values.data(), x.data(), extent);
    return std::any_of(x.begin(), x.end(), [](double v) { return !std::isfinite(v); });
  };
  EXPECT_TRUE(outside(positive_ordered(), {-0.1, 0.3}, 2));
  EXPECT_TRUE(outside(positive_ordered(), {0.4, 0.3}, 2));
  EXPECT_FALSE(outside(positive_ordered(), {0.2, 0.3}, 2));
  EXPECT_TRUE(outside(simplex(), {0.2, 0.3}, 2));
  EXPECT_TRUE(outside(simplex(), {-0.2, 1.2}, 2));
  EXPECT_FALSE(outside(simplex(), {0.2, 0.8}, 2));
  EXPECT_FALSE(outside(simplex(), {0.33333333, 0.33333333, 0.33333333}, 3));
  EXPECT_TRUE(outside(zero_sum(), {0.2, 0.3, -0.4}, 3));
  EXPECT_FALSE(outside(zero_sum(), {0.2, 0.3, -0.5}, 3));
  EXPECT_FALSE(outside(zero_sum(), {0.33333333, 0.33333333, -0.66666667}, 3));
  EXPECT_FALSE(outside(zero_sum(), {0, 0, 0}, 3));
  EXPECT_TRUE(outside(zero_sum_matrix(), {0.1, -0.1, -0.1, 0.2}, MatrixExtent{2, 2}));
  EXPECT_TRUE(outside(zero_sum_matrix(), {0.1, -0.1, 0.1, -0.1}, MatrixExtent{2, 2}));
  EXPECT_FALSE(outside(zero_sum_matrix(), {0.1, -0.1, -0.1, 0.1}, MatrixExtent{2, 2}));
  EXPECT_TRUE(outside(column_stochastic(), {0.2, 0.8, 0.8, 0.3}, MatrixExtent{2, 2}));
  EXPECT_FALSE(outside(column_stochastic(), {0.2, 0.8, 0.8, 0.2}, MatrixExtent{2, 2}));
  EXPECT_TRUE(outside(unit_vector(), {0.6, 0.7}, 2));
  EXPECT_FALSE(outside(unit_vector(), {0.6, -0.8}, 2));
  EXPECT_TRUE(outside(circular(), {0.3, 3.2}, 2));
  EXPECT_FALSE(outside(circular(), {0.3, -3.14}, 2));
  EXPECT_TRUE(outside(cholesky_covariance(), {1, 0, 0.6, -0.7}, 2));
  EXPECT_TRUE(outside(cholesky_covariance(), {1, 0.1, 0.6, 0.7}, 2));
  EXPECT_FALSE(outside(cholesky_covariance(), {3, 0, -6, 0.7}, 2));
  EXPECT_TRUE(outside(correlation_matrix(), {1, 1.1, 1.1, 1}, 2));
  EXPECT_TRUE(outside(correlation_matrix(), {1, 0.3, 0.4, 1}, 2));
  EXPECT_TRUE(outside(correlation_matrix(), {1, 0.3, 0.3, 1.1}, 2));
  EXPECT_FALSE(outside(correlation_matrix(), {1, -0.3, -0.3, 1}, 2));
  EXPECT_TRUE(outside(covariance_matrix(), {4, 2.1, 2.1, 1}, 2));
  EXPECT_TRUE(outside(covariance_matrix(), {4, 1, 1.1, 1}, 2));
  EXPECT_FALSE(outside(covariance_matrix(), {4, -1.9, -1.9, 1}, 2));
  EXPECT_TRUE(outside(cholesky_correlation(), {1, 0, 0.6, 0.7}, 2));
  EXPECT_TRUE(outside(cholesky_correlation(), {1, 0.1, 0.6, 0.8}, 2));
  EXPECT_TRUE(outside(cholesky_correlation(), {0.9, 0, 0.6, 0.8}, 2));
  EXPECT_FALSE(outside(cholesky_correlation(), {1, 0, 0.6, 0.8}, 2));
}

// ---- models --------------------------------------------------------------------------------------------------------

// The position of one lane and what comes out.
struct AtLane {
  double log_density;
  std::vector<double> gradient;
};

template <class T, class Model>
std::vector<AtLane> evaluate(const Model& model, const std::vector<std::vector<double>>& positions) {
  constexpr int width = LaneTraits<T>::width, most = 16, scratch_size = 64;
  const int n = int(positions[0].size());
  alignas(64) double position[most * width] = {}, gradient[most * width] = {}, scratch[scratch_size * width],
                     log_density[width];
  for (int i = 0; i < n; ++i)
    for (int l = 0; l < width; ++l) position[i * width + l] = positions[std::size_t(l)][std::size_t(i)];
  const Workspace workspace{position, gradient, scratch, nullptr, width};
  LaneTraits<T>::store(log_density, log_density_gradient<T, false>(model, WholeTeam{}, workspace, n));
  std::vector<AtLane> result;
  for (int l = 0; l < width; ++l) {
    result.push_back({log_density[l], {}});
    for (int i = 0; i < n; ++i) result.back().gradient.push_back(gradient[i * width + l]);
  }
  return result;
}

// The model against the log density that is written out, at points of the bulk: value to 1e-12, gradient to 1e-10 (the
// differences are good to 1e-13), in one lane and in every lane of a pack.
template <class Model>
void expect_gradient(const std::string& name, const Model& model, std::size_t dimension,
                     const std::function<Exact(const Point&)>& reference) {
  auto point = [&](std::size_t k) {
    std::vector<double> x;
    for (std::size_t i = 0; i < dimension; ++i) x.push_back(std::sin(1. + 3. * double(k) + 1.7 * double(i)) * 1.5);
    return x;
  };
  for (std::size_t k = 0; k < 12; ++k) {
    const AtLane scalar = evaluate<double>(model, {point(k)})[0];
    const std::vector<double> x = point(k);
    const Point at(x.begin(), x.end());
    const double expected = double(reference(at));
    EXPECT_NEAR(scalar.log_density, expected, 1e-12 * std::max(1., std::abs(expected))) << name << ", point " << k;
    for (std::size_t i = 0; i < dimension; ++i) {
      const double d = double(partial(reference, at, i));
      EXPECT_NEAR(scalar.gradient[i], d, 1e-10 * std::max(1., std::abs(d))) << name << ", coordinate " << i;
    }

    std::vector<std::vector<double>> positions;
    for (int l = 0; l < pack_width; ++l) positions.push_back(point(k + std::size_t(l)));
    const auto lanes = evaluate<Pack>(model, positions);
    for (int l = 0; l < pack_width; ++l) {
      const AtLane alone = evaluate<double>(model, {positions[std::size_t(l)]})[0];
      const AtLane& lane = lanes[std::size_t(l)];
      EXPECT_NEAR(lane.log_density, alone.log_density, 1e-13 * std::max(1., std::abs(expected))) << name;
      for (std::size_t i = 0; i < dimension; ++i)
        EXPECT_NEAR(lane.gradient[i], alone.gradient[i], 1e-12 * std::max(1., std::abs(alone.gradient[i]))) << name;
    }
  }
}

Exact normal_ld(Exact y, Exact mu, Exact sigma) {
  const Exact z = (y - mu) / sigma;
  return -z * z / 2 - std::log(sigma) - std::log(2 * std::numbers::pi_v<Exact>) / 2;
}
Exact gamma_ld(Exact y, Exact a, Exact b) {
  return a * std::log(b) - std::lgamma(a) + (a - 1) * std::log(y) - b * y;
}
// Of a value whose logarithm, and that of its complement, are given.
Exact beta_ld(Exact log_y, Exact log1m_y, Exact a, Exact b) {
  return std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + (a - 1) * log_y + (b - 1) * log1m_y;
}

template <class Support> struct ScalarOn {
  Support support;
  template <class M> void operator()(M& m) const { auto x = m.param("x", normal(0.3, 1.7), support); }
};
template <class Support> struct VectorOn {
  Support support;
  template <class M> void operator()(M& m) const {
    auto x = m.param("x", normal(0.3, 1.7), Dim{0, 0, 3}, support);
    auto y = m.param("y", normal(x[0] * x[2], 1));
  }
};

template <class Support>
void expect_gradient_on(const std::string& name, const Support& support, const std::function<Exact(Exact)>& value,
                        const std::function<Exact(Exact)>& log_jacobian) {
  auto exact = [&](Exact x) { return normal_ld(value(x), 0.3, 1.7) + log_jacobian(x); };
  expect_gradient(name, ScalarOn<Support>{support}, 1, [&](const Point& x) { return exact(x[0]); });
  expect_gradient(name + ", a vector", VectorOn<Support>{support}, 4, [&](const Point& x) {
    return exact(x[0]) + exact(x[1]) + exact(x[2]) + normal_ld(x[3], value(x[0]) * value(x[2]), 1);
  });
}

TEST(AModelsGradient, IsRightForParametersOnEverySupport) {
  auto same = [](Exact x) { return x; };
  expect_gradient_on("real_line", real_line(), same, [](Exact) { return 0.L; });
  expect_gradient_on("positive", positive(), [](Exact x) { return std::exp(x); }, same);
  expect_gradient_on("above", above(-2), [](Exact x) { return -2 + std::exp(x); }, same);
  expect_gradient_on("below", below(0.5), [](Exact x) { return 0.5L - std::exp(x); }, same);
  auto log_slope = [](Exact width) {
    return [=](Exact x) { return std::log(width) + log_sigmoid_ld(x) + log_sigmoid_ld(-x); };
  };
  expect_gradient_on("between", between(-1, 4), [](Exact x) { return scaled_ld(-1, 4, x); }, log_slope(5));
  expect_gradient_on("unit_interval", unit_interval(), [](Exact x) { return sigmoid_ld(x); }, log_slope(1));
}

// ---- bounds that are parameters ------------------------------------------------------------------------------------

struct AboveAnother {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", normal(1, 2), above(a));
  }
};
struct BelowAnExpression {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto c = m.param("c", normal(0, 1));
    auto b = m.param("b", normal(1, 2), below(2 * a * c - 1));
  }
};
struct BetweenParameters {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto c = m.param("c", normal(0, 1));
    auto b = m.param("b", normal(1, 2), between(a, a + exp(c)));
  }
};
struct VectorBetweenParameters {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto c = m.param("c", normal(0, 1));
    auto b = m.param("b", normal(a, 2), Dim{0, 0, 3}, between(a, a + exp(c)));
    auto y = m.param("y", normal(b[0] * b[1], 1));
  }
};
struct StickBreaking {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", uniform(0, 1));
    auto b = m.param("b", uniform(0, 1 - a));
    auto y = m.param("y", normal(a - b, 1));
  }
};
// The support comes from the first element's prior: its bounds must not depend on the element.
struct VectorOfUniforms {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", Dim{0, 0, 3}, [&](auto) { return uniform(a, 5); });
    auto y = m.param("y", normal(b[0] * b[2], 1));
  }
};

TEST(AModelsGradient, IsRightWhereBoundsAreParameters) {
  expect_gradient("above another", AboveAnother{}, 2, [](const Point& x) {
    return normal_ld(x[0], 0, 1) + normal_ld(x[0] + std::exp(x[1]), 1, 2) + x[1];
  });
  expect_gradient("below an expression", BelowAnExpression{}, 3, [](const Point& x) {
    const Exact b = 2 * x[0] * x[1] - 1 - std::exp(x[2]);
    return normal_ld(x[0], 0, 1) + normal_ld(x[1], 0, 1) + normal_ld(b, 1, 2) + x[2];
  });
  auto log_slope = [](Exact width, Exact x) { return std::log(width) + log_sigmoid_ld(x) + log_sigmoid_ld(-x); };
  expect_gradient("between parameters", BetweenParameters{}, 3, [&](const Point& x) {
    const Exact width = std::exp(x[1]), b = x[0] + width * sigmoid_ld(x[2]);
    return normal_ld(x[0], 0, 1) + normal_ld(x[1], 0, 1) + normal_ld(b, 1, 2) + log_slope(width, x[2]);
  });
  expect_gradient("a vector between parameters", VectorBetweenParameters{}, 6, [&](const Point& x) {
    const Exact width = std::exp(x[1]);
    auto b = [&](std::size_t i) { return x[0] + width * sigmoid_ld(x[2 + i]); };
    Exact sum = normal_ld(x[0], 0, 1) + normal_ld(x[1], 0, 1) + normal_ld(x[5], b(0) * b(1), 1);
    for (std::size_t i = 0; i < 3; ++i) sum += normal_ld(b(i), x[0], 2) + log_slope(width, x[2 + i]);
    return sum;
  });
  expect_gradient("stick breaking", StickBreaking{}, 3, [&](const Point& x) {
    const Exact a = sigmoid_ld(x[0]), b = (1 - a) * sigmoid_ld(x[1]);
    return log_slope(1, x[0]) + log_slope(1, x[1]) + normal_ld(x[2], a - b, 1);  // each width and density cancel
  });
  expect_gradient("a vector of uniforms", VectorOfUniforms{}, 5, [&](const Point& x) {
    auto b = [&](std::size_t i) { return x[0] + (5 - x[0]) * sigmoid_ld(x[1 + i]); };
    Exact sum = normal_ld(x[0], 0, 1) + normal_ld(x[4], b(0) * b(2), 1);
    for (std::size_t i = 0; i < 3; ++i) sum += log_slope(1, x[1 + i]);
    return sum;
  });
}

// ---- ordered vectors in a model ------------------------------------------------------------------------------------

template <int size> struct OrderedVector {
  template <class M> void operator()(M& m) const {
    auto s = m.param("s", normal(0, 1));
    auto v = m.param("v", normal(s, 2), Dim{0, 0, size}, ordered());
    auto y = m.param("y", normal(v[0] * v[size - 1], 1));
  }
};
template <std::size_t size> Exact ordered_vector_ld(const Point& x) {
  const Point v = ordered_ld(Point(x.begin() + 1, x.begin() + 1 + size));
  Exact sum = normal_ld(x[0], 0, 1) + normal_ld(x[size + 1], v[0] * v[size - 1], 1);
  for (std::size_t i = 0; i < size; ++i) sum += normal_ld(v[i], x[0], 2) + (i > 0 ? x[1 + i] : 0.L);
  return sum;
}
TEST(AModelsGradient, IsRightForOrderedVectors) {
  expect_gradient("ordered, one element", OrderedVector<1>{}, 3, ordered_vector_ld<1>);
  expect_gradient("ordered, two elements", OrderedVector<2>{}, 4, ordered_vector_ld<2>);
  expect_gradient("ordered, five elements", OrderedVector<5>{}, 7, ordered_vector_ld<5>);
}

// ---- what transforms know about their values: logarithms, reciprocals, complements -------------------------------

struct KnownLogarithms {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", gamma(2, 1.5));
    auto b = m.param("b", lognormal(0.2, 0.7));
    auto c = m.param("c", gamma(a, b));
    auto p = m.param("p", beta(a, b));
    auto q = m.param("q", beta(c, a + b));
    auto v = m.param("v", exponential(a), Dim{0, 0, 2});
    auto w = m.param("w", beta(a, 2), Dim{0, 0, 2});
    auto y = m.param("y", normal(log(a) - log(b) + log(v[0]), v[1]));
    auto z = m.param("z", normal(log(p) + log1p(-q) + w[0] / w[1], c));
  }
};
TEST(AModelsGradient, IsRightWhereLogarithmsAreKnownByTheNode) {
  expect_gradient("known logarithms", KnownLogarithms{}, 11, [](const Point& x) {
    const Exact a = std::exp(x[0]), b = std::exp(x[1]), c = std::exp(x[2]), v0 = std::exp(x[5]), v1 = std::exp(x[6]);
    // A beta parameter with its Jacobian.
    auto on_unit = [](Exact at, Exact alpha, Exact other) {
      const Exact log_y = log_sigmoid_ld(at), log1m_y = log_sigmoid_ld(-at);
      return beta_ld(log_y, log1m_y, alpha, other) + log_y + log1m_y;
    };
    Exact sum = gamma_ld(a, 2, 1.5) + x[0] + gamma_ld(c, a, b) + x[2];
    sum += normal_ld(x[1], 0.2, 0.7);  // a log-normal's density times its Jacobian
    sum += on_unit(x[3], a, b) + on_unit(x[4], c, a + b) + on_unit(x[7], a, 2) + on_unit(x[8], a, 2);
    sum += 2 * std::log(a) - a * (v0 + v1) + x[5] + x[6];
    sum += normal_ld(x[9], x[0] - x[1] + x[5], v1);
    const Exact mean = log_sigmoid_ld(x[3]) + log_sigmoid_ld(-x[4]) + sigmoid_ld(x[7]) / sigmoid_ld(x[8]);
    return sum + normal_ld(x[10], mean, c);
  });
}

// Where the value rounds to 1 its complement is still known: the density must not fall off a cliff there.
struct BetaParameter {
  template <class M> void operator()(M& m) const { auto p = m.param("p", beta(0.5, 0.01)); }
};
TEST(ABetaParameter, MayBeCloserToOneThanADoubleCanSay) {
  const Exact normaliser = std::lgamma(0.5L + Exact(0.01)) - std::lgamma(0.5L) - std::lgamma(Exact(0.01));
  for (const double x : {-700., -300., -40., 36., 37., 40., 100., 700.}) {
    const double expected = double(normaliser + 0.5L * log_sigmoid_ld(x) + Exact(0.01) * log_sigmoid_ld(-x));
    const double by_x = double(0.5L * sigmoid_ld(-x) - Exact(0.01) * sigmoid_ld(x));
    for (const AtLane& lane : evaluate<Pack>(BetaParameter{}, std::vector<std::vector<double>>(pack_width, {x}))) {
      EXPECT_NEAR(lane.log_density, expected, 1e-11 * std::max(1., std::abs(expected))) << x;
      EXPECT_NEAR(lane.gradient[0], by_x, 1e-12) << x;
    }
  }
}

struct UniformParameter {
  template <class M> void operator()(M& m) const { auto p = m.param("p", uniform(-2, 0.1)); }
};
// In doubles -2 + (0.1 - -2) is above 0.1.
TEST(AUniformParameter, IsNotOutsideItsBoundsByRounding) {
  for (const double x : extreme_coordinates)
    for (const AtLane& lane : evaluate<Pack>(UniformParameter{}, std::vector<std::vector<double>>(pack_width, {x})))
      EXPECT_NEAR(lane.log_density, double(log_sigmoid_ld(x) + log_sigmoid_ld(-x)), 1e-12 * std::abs(x)) << x;
}

}  // namespace
}  // namespace lockstep
