// The elements of a normal vector one after the other, in any order, each given those before it: their densities add up to the
// marginal one of the first of them, and to the conditional one of the rest. On the host.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "lockstep/distribution.hpp"

namespace lockstep {

class NormalInOrder {
 public:
  // `mean`: of all elements. `root`: B with B B^T the covariance, row after row. `order`: elements, each once; those that are not
  // in it are integrated out.
  NormalInOrder(const std::vector<double>& mean, const std::vector<double>& root, const std::vector<int>& order) {
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
    z_.push_back((value - expected()) / row.back());
    return -0.5 * z_.back() * z_.back() - std::log(row.back()) - log_sqrt_2pi;
  }
  // The next element, of a standard normal number.
  double draw(double z) {
    const double value = expected() + factor_[z_.size()].back() * z;
    z_.push_back(z);
    return value;
  }

 private:
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

  std::vector<double> mean_, z_;                          // in this order; z: of those that have come
  std::vector<std::vector<double>> factor_, orthonormal_;
};

}  // namespace lockstep
