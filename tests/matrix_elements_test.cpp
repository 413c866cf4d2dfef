// Matrices of data that are read by element, and matrices that are observed element by element: gradients on every team.
#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "gradient_oracles.hpp"

namespace lockstep {
namespace {

Data::Field matrix_field(std::size_t rows, std::size_t columns, const Values& values) {
  return {{std::int64_t(rows), std::int64_t(columns)}, values, 1};
}

// ---- data read by element ---------------------------------------------------------------------------------------------

// By both indices, by one and a number, by two numbers; a row and a column as sequences, and elements through a group index.
struct EveryWayToRead {
  Dim obs, column, group;
  GroupIndex group_of;
  Matrix X, of_groups;
  Real y;
  explicit EveryWayToRead(Dataset& d)
      : obs(d.dim("obs")), column(d.dim("column")), group(d.dim("group")), group_of(d.index("group_of", obs, group)),
        X(d.matrix("X", obs, column)), of_groups(d.matrix("of_groups", group, column)), y(d.real("y", obs)) {}
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", normal(0, 1), column);
    auto s = m.let("s", column, [&](auto k) { return dot(X.column(k), y) * a; });
    m.observe("y", y, obs, [&](auto i) {
      return normal(dot(X.row(i), b) + X(i, 1) * a + X(0, 2) * a + sum(column, [&, i](auto k) { return square(X(i, k)) * s[k]; }) +
                        dot(of_groups.row(group_of[i]), b) + of_groups(group_of[i], 0) * a,
                    1);
    });
  }
};

TEST(MatrixElements, GradientsOfWhatReadsThemAreThoseOfTheClosedForm) {
  const Eigen::Index rows = 7, columns = 3, groups = 2;
  Numbers numbers(3);
  const Values x = numbers.uniforms(21, -1, 1), g = numbers.uniforms(6, -1, 1), y = numbers.uniforms(7, -2, 2),
               group_of = numbers.integers(7, 1, 2);
  Data data;
  data.set("X", matrix_field(7, 3, x));
  data.set("of_groups", matrix_field(2, 3, g));
  data.set("y", y);
  data.set("group_of", group_of);
  const Bound<EveryWayToRead> bound(data);
  expect_right_gradients(bound, 1);

  // The mean is linear in (a, b): mean = A (a, b).
  using Real = long double;
  using Dense = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;
  Dense X(rows, columns), G(groups, columns), Y(rows, 1), A = Dense::Zero(rows, 1 + columns);
  for (Eigen::Index n = 0; n < rows * columns; ++n) X(n / columns, n % columns) = x[std::size_t(n)];
  for (Eigen::Index n = 0; n < groups * columns; ++n) G(n / columns, n % columns) = g[std::size_t(n)];
  for (Eigen::Index i = 0; i < rows; ++i) Y(i, 0) = y[std::size_t(i)];
  const Dense of_squares = X.cwiseProduct(X) * (X.transpose() * Y);
  for (Eigen::Index i = 0; i < rows; ++i) {
    const Eigen::Index group = Eigen::Index(group_of[std::size_t(i)]) - 1;
    A(i, 0) = X(i, 1) + X(0, 2) + of_squares(i, 0) + G(group, 0);
    A.row(i).tail(columns) = X.row(i) + G.row(group);
  }
  const Values position = numbers.uniforms(4, -1, 1);
  Dense at(4, 1);
  for (Eigen::Index i = 0; i < 4; ++i) at(i, 0) = position[std::size_t(i)];
  const Dense gradient = A.transpose() * (Y - A * at) - at;
  const Result found = bound.scalar(position);
  for (Eigen::Index i = 0; i < 4; ++i)
    EXPECT_NEAR(found.gradient[std::size_t(i)], double(gradient(i, 0)), 1e-12 * (1 + std::abs(double(gradient(i, 0)))));
}

// A Gaussian process by the distances between its points, and by their coordinates.
template <bool by_distance> struct Process {
  Dim point;
  Real x, y;
  Matrix distance;
  explicit Process(Dataset& d)
      : point(d.dim("point")), x(d.real("x", point)), y(d.real("y", point)), distance(d.matrix("distance", point, point)) {}
  template <class M> void operator()(M& m) const {
    auto rho = m.param("rho", lognormal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    m.cholesky(point, [&](auto i, auto j) {
      if constexpr (by_distance) return exp(-distance(i, j) / rho) + square(sigma) * delta(i, j);
      else return exp(-abs(x[i] - x[j]) / rho) + square(sigma) * delta(i, j);
    }, [&](const auto& L) { m.observe("y", y, mv_normal_cholesky(0, L)); });
  }
};

TEST(MatrixElements, ADistanceMatrixGivesTheProcessOfTheCoordinates) {
  Numbers numbers(4);
  const Values x = numbers.uniforms(9, 0, 4);
  Values distance;
  for (double a : x)
    for (double b : x) distance.push_back(std::abs(a - b));
  Data data;
  data.set("x", x);
  data.set("y", numbers.uniforms(9, -1, 1));
  data.set("distance", matrix_field(9, 9, distance));
  const Bound<Process<true>> by_distance(data);
  const Bound<Process<false>> by_coordinates(data);
  expect_right_gradients(by_distance, 1);
  for (int repeat = 0; repeat < 5; ++repeat) {
    const Values at = numbers.uniforms(2, -1, 1);
    EXPECT_LE(difference(by_distance.scalar(at), by_coordinates.scalar(at)), 1e-13);
  }
}

// S^-1 b by its factor's two solves, of a matrix that is data.
struct Solves {
  Dim i;
  Matrix S;
  Real c;
  explicit Solves(Dataset& d) : i(d.dim("i")), S(d.matrix("S", i, i)), c(d.real("c", i)) {}
  template <class M> void operator()(M& m) const {
    auto b = m.param("b", flat(), i);
    m.cholesky(i, [&](auto j, auto k) { return S(j, k); }, [&](const auto& L) {
      m.solve(L, b, [&](const auto& z) { m.solve_transposed(L, z, [&](const auto& v) { m.potential("q", dot(v, c)); }); });
    });
  }
};

TEST(MatrixElements, OfACovarianceGiveItsInverseTimesAVector) {
  for (const Eigen::Index n : {1, 2, 7}) {
    const std::size_t size = std::size_t(n);
    Numbers numbers(6);
    const Values root = numbers.uniforms(size * size, -1, 1), c = numbers.uniforms(size, -1, 1), b = numbers.uniforms(size, -1, 1);
    const Eigen::MatrixXd R = Eigen::Map<const Eigen::MatrixXd>(root.data(), n, n),
                          S = R * R.transpose() + Eigen::MatrixXd::Identity(n, n);
    const Eigen::VectorXd slope = S.ldlt().solve(Eigen::Map<const Eigen::VectorXd>(c.data(), n));
    Data data;
    data.set("S", matrix_field(size, size, Values(S.data(), S.data() + n * n)));
    data.set("c", c);
    const Bound<Solves> bound(data);
    expect_right_gradients(bound, 1);
    const Result found = bound.scalar(b);
    EXPECT_NEAR(found.log_density, slope.dot(Eigen::Map<const Eigen::VectorXd>(b.data(), n)), 1e-12);
    for (std::size_t k = 0; k < size; ++k) EXPECT_NEAR(found.gradient[k], slope[Eigen::Index(k)], 1e-12);
  }
}

// ---- observed by element -----------------------------------------------------------------------------------------------

// Linear predictors, which slices own by rows; what is one for all, one for each row, for each column; positive data and counts; a
// matrix of parameters, each with its own prior on a support that is named; a potential of every element.
struct ObservedElements {
  Dim row, column, k;
  Matrix X, Y, positive, counts;
  explicit ObservedElements(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), k(d.dim("k", 2)), X(d.matrix("X", row, k)), Y(d.matrix("Y", row, column)),
        positive(d.matrix("positive", row, column)), counts(d.matrix("counts", row, column)) {}
  template <class M> void operator()(M& m) const {
    auto common = m.param("common", half_normal(1));
    auto of_column = m.param("of_column", lognormal(0, 0.5), column);
    auto of_row = m.param("of_row", normal(0, 1), row);
    auto B = m.param("B", k, column, [&](auto, auto j) { return normal(0.1 * of_column[j], common); }, between(-3, 3));
    auto beta = m.param("beta", normal(0, 1), k);
    auto eta = m.linear(X, B);
    auto level = m.linear(X, beta);
    auto given = m.observe("Y", Y, row, column, [&](auto i, auto j) { return normal(eta(i, j) + level[i], of_column[j] * common); });
    m.observe("positive", positive, row, column, [&](auto i, auto) { return lognormal(of_row[i], common); });
    m.observe("counts", counts, row, column, [&](auto i, auto j) { return poisson_log(of_row[i] + 0.3 * given(i, j)); });
    m.potential("extra", row, column, [&](auto i, auto j) { return -0.1 * square(eta(i, j) - of_row[i]); });
  }
};

TEST(ObservedMatrices, HaveRightGradientsAtAwkwardSizes) {
  for (const std::size_t rows : {0, 1, 4, 7})
    for (const std::size_t columns : {0, 1, 5}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
      Numbers numbers(5);
      Data data;
      data.set("column", double(columns));
      data.set("X", matrix_field(rows, 2, numbers.uniforms(rows * 2, -1, 1)));
      data.set("Y", matrix_field(rows, columns, numbers.uniforms(rows * columns, -1, 1)));
      data.set("positive", matrix_field(rows, columns, numbers.uniforms(rows * columns, 0.2, 3)));
      data.set("counts", matrix_field(rows, columns, numbers.integers(rows * columns, 0, 4)));
      expect_right_gradients(Bound<ObservedElements>(data), 0.8);
    }
}

}  // namespace
}  // namespace lockstep
