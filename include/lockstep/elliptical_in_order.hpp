// The elements of a normal or Student t vector one after the other, in any order, each given those before it: their densities add
// up to the marginal one of the first of them, and to the conditional one of the rest. On the host.
//
// With z the normal vector's standardised elements, z[k] of a Student t vector with nu degrees of freedom is, given those before it,
// Student t with nu + k degrees of freedom and scale sqrt((nu + z[0]^2 + ... + z[k-1]^2)/(nu + k)) (Ding 2016, "On the conditional
// distribution of the multivariate t distribution").
#pragma once

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "lockstep/distribution.hpp"

namespace lockstep {

class EllipticalInOrder {
 public:
  // `mean`: of all elements. `root`: B with B B^T the covariance, or scale matrix, row after row. `order`: elements, each once; those
  // that are not in it are integrated out. `nu`: degrees of freedom, infinite for a normal vector.
  EllipticalInOrder(const std::vector<double>& mean, const std::vector<double>& root, const std::vector<int>& order,
                    double nu = std::numeric_limits<double>::infinity())
      : nu_(nu) {
    const std::size_t columns = mean.empty() ? 0 : root.size() / mean.size();
    for (int element : order) {
      mean_.push_back(mean[std::size_t(element)]);
      const auto first = root.begin() + std::ptrdiff_t(std::size_t(element) * columns);
      factorise({first, first + std::ptrdiff_t(columns)});
    }
  }
  // The log density of the next element, given those before.
  double log_density(double value) {
    const std::vector<double>& row = factor_[z_.size()];
    const double z = (value - expected()) / row.back(), degrees = nu_ + double(z_.size()), s = scale();
    take(z);
    if (std::isinf(nu_)) return -0.5 * z * z - std::log(row.back()) - log_sqrt_2pi;
    // As PreparedJoint of mv_student_t_cholesky writes it, for one element.
    const double a = 0.5 * degrees, b = a + 0.5;
    return (b - 0.5) * std::log1p(1 / degrees) - 0.5 + stirling_error(b) - stirling_error(a) -
           b * std::log1p(z * z / (s * s * degrees)) - std::log(s * row.back()) - log_sqrt_2pi;
  }
  // The next z, drawn; the next element by it.
  template <class R> double standard(R& random) const {
    return std::isinf(nu_) ? random.normal() : scale() * random.student_t(nu_ + double(z_.size()));
  }
  double draw(double z) {
    const double value = expected() + factor_[z_.size()].back() * z;
    take(z);
    return value;
  }

 private:
  void take(double z) {
    z_.push_back(z);
    squares_ += z * z;
  }
  double scale() const { return std::isinf(nu_) ? 1 : std::sqrt((nu_ + squares_) / (nu_ + double(z_.size()))); }
  double expected() const {
    const std::vector<double>& row = factor_[z_.size()];
    double sum = mean_[z_.size()];
    for (std::size_t j = 0; j < z_.size(); ++j) sum += row[j] * z_[j];
    return sum;
  }
  // Adds a row to the triangular factor of the rows' products: modified Gram-Schmidt, so that no covariance is formed, whose
  // condition would be the root's squared.
  void factorise(std::vector<double> rest) {
    std::vector<double> row;
    for (const std::vector<double>& each : orthonormal_) {
      double along = 0;
      for (std::size_t k = 0; k < rest.size(); ++k) along += each[k] * rest[k];
      for (std::size_t k = 0; k < rest.size(); ++k) rest[k] -= along * each[k];
      row.push_back(along);
    }
    double squares = 0;
    for (double each : rest) squares += each * each;
    row.push_back(std::sqrt(squares));
    for (double& each : rest) each /= row.back();
    factor_.push_back(std::move(row));
    orthonormal_.push_back(std::move(rest));
  }

  double nu_, squares_ = 0;
  std::vector<double> mean_, z_;                          // in this order; z: of those that have come
  std::vector<std::vector<double>> factor_, orthonormal_;
};

}  // namespace lockstep
