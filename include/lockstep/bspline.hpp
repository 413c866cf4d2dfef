// B-splines: their values and derivatives, on the host. A data set makes matrices of them: Dataset::bspline.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace lockstep {

// Values at x of the count - 1 + degree B-splines of a degree over `count` knots, of which the outer ones count degree + 1 times,
// so that the splines sum to 1 between them; or derivatives of these. The knots increase, and x is between the first and the last,
// where the last belongs to the last interval. `out`: one number for each spline. By the recurrence of Cox and de Boor; source:
// C. de Boor, A Practical Guide to Splines, ch. IX, X.
inline void bspline_values(const double* knots, int count, int degree, int derivative, double x, double* out) {
  std::fill_n(out, count - 1 + degree, 0.);
  const auto knot = [&](int k) { return knots[std::clamp(k - degree, 0, count - 1)]; };   // the k-th of all, outer ones repeated
  const int interval = int(std::upper_bound(knots, knots + count - 1, x) - knots) - 1 + degree;   // knot(interval) <= x
  const int last = std::min(interval, count - 2 + degree);
  // Those of degree k that are not 0 on this interval are last - k to last; they are kept at the end of `b`.
  std::vector<double> b(std::size_t(degree) + 2, 0.);
  double* const end = b.data() + degree;   // of spline `last`; after it is a 0, for the one that begins next
  *end = 1;
  for (int k = 1; k <= degree; ++k)
    for (int j = last - k; j <= last; ++j) {
      double* const at = end + (j - last);
      const double from = knot(j), to = knot(j + k), next = knot(j + 1), beyond = knot(j + k + 1);
      // Of lower degree: the spline that begins here, and the next. A span without length has none.
      const double here = to > from ? at[0] / (to - from) : 0, there = beyond > next ? at[1] / (beyond - next) : 0;
      at[0] = k > degree - derivative ? k * (here - there) : (x - from) * here + (beyond - x) * there;
    }
  for (int j = 0; j <= degree; ++j) out[last - degree + j] = b[std::size_t(j)];
}

}  // namespace lockstep
