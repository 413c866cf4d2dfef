// Draws against a normal distribution with a known mean and standard deviation, in standard errors by their effective sample
// sizes (rules §3).
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "host/diagnostics.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {

// The draws of one element of a site, chain after chain.
inline std::vector<double> draws_of(const Fit& fit, const std::string& name, std::size_t element = 0, const char* group = "posterior") {
  const Variable& variable = fit.variable(group, name);
  const std::size_t each = variable.values.size() / (fit.chains * fit.draws);
  std::vector<double> draws;
  for (std::size_t d = 0; d < fit.chains * fit.draws; ++d) draws.push_back(variable.values[d * each + element]);
  return draws;
}

// `limit`: the largest |z| that passes, of the mean and of the standard deviation.
inline void expect_normal(const Fit& fit, const std::vector<double>& draws, double mean, double sd, double limit) {
  double average = 0;
  for (double x : draws) average += x / double(draws.size());
  std::vector<double> squares;
  double variance = 0;
  for (double x : draws) squares.push_back((x - average) * (x - average)), variance += squares.back() / double(draws.size());
  double fourth = 0;
  for (double x : squares) fourth += (x - variance) * (x - variance) / double(squares.size());
  Diagnoser diagnose;
  const auto ess = [&](const std::vector<double>& v) { return diagnose({v.data(), fit.chains, fit.draws, fit.draws, 1}).ess_mean; };
  const double own_sd = std::sqrt(variance);
  EXPECT_LT(std::abs(average - mean), limit * own_sd / std::sqrt(ess(draws)));
  EXPECT_LT(std::abs(own_sd - sd), limit * std::sqrt(fourth) / (2 * own_sd * std::sqrt(ess(squares))));
}

}  // namespace lockstep
