// What the table of distributions is made of.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <tuple>

namespace lockstep {

// With LOCKSTEP_ERROR_TABLE=FILE the largest errors that the tests of a program have seen are added to FILE, a line each, of
// which tests/distribution_table.py makes models/DISTRIBUTIONS.md.
class LargestErrors : public ::testing::Environment {
 public:
  // `kind`: "log density", ...; of a p-value its negative counts, so that the smallest is kept.
  static void note(const std::string& distribution, const std::string& kind, int lanes, double error) {
    double& largest = all().try_emplace({distribution, kind, lanes > 1}, error).first->second;
    largest = std::max(largest, error);
  }
  void TearDown() override {
    const char* const file = std::getenv("LOCKSTEP_ERROR_TABLE");
    if (!file) return;
    std::ofstream out(file, std::ios::app);
    for (const auto& [key, error] : all())
      out << std::get<0>(key) << '\t' << std::get<1>(key) << '\t' << (std::get<2>(key) ? "lanes" : "scalar") << '\t' << error << '\n';
  }

 private:
  static std::map<std::tuple<std::string, std::string, bool>, double>& all() {
    static std::map<std::tuple<std::string, std::string, bool>, double> errors;
    return errors;
  }
};
inline ::testing::Environment* const largest_errors = ::testing::AddGlobalTestEnvironment(new LargestErrors);

}  // namespace lockstep
