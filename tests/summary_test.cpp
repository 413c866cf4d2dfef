// The summary table in its three formats.
#include "host/summary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

namespace lockstep {
namespace {

// 4 chains × 250 draws of a scalar, a labelled vector and a matrix, independent, of unit scale but for `big`.
Fit example() {
  Fit fit;
  fit.chains = 4;
  fit.draws = 250;
  fit.dimensions = {{"school", 2, {"Choate", "Zürich"}}, {"time", 2, {}}};
  std::mt19937_64 generator(11);
  std::normal_distribution<double> normal;
  const auto draws = [&](std::size_t size, double scale) {
    std::vector<double> values(fit.chains * fit.draws * size);
    for (double& each : values) each = scale * normal(generator);
    return values;
  };
  fit.groups = {{"posterior",
                 true,
                 {{"mu", {}, {}, ElementType::real, draws(1, 1)},
                  {"theta", {"school"}, {2}, ElementType::real, draws(2, 1)},
                  {"x", {"time", "school"}, {2, 2}, ElementType::real, draws(4, 1)},
                  {"big", {}, {}, ElementType::real, draws(1, 4000)},
                  {"one", {}, {}, ElementType::real, std::vector<double>(1000, 1.0)}}}};
  return fit;
}

std::vector<std::string> lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> all;
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

TEST(Summary, NamesElementsAsArviZDoes) {
  const Fit fit = example();
  std::vector<std::string> names;
  for (const NamedDiagnosis& each : diagnose(fit)) names.push_back(each.name);
  EXPECT_EQ(names, (std::vector<std::string>{"mu", "theta[Choate]", "theta[Zürich]", "x[0, Choate]", "x[0, Zürich]",
                                             "x[1, Choate]", "x[1, Zürich]", "big", "one"}));
}

TEST(Summary, TheTableIsAlignedAndHasOneRowPerScalar) {
  const std::vector<std::string> rows = lines(summary(example()));
  ASSERT_EQ(rows.size(), 10u);
  EXPECT_EQ(words(rows[0]), (std::vector<std::string>{"mean", "sd", "q5", "median", "q95", "mcse_mean", "ess_bulk",
                                                      "ess_tail", "r_hat", "r_hat_nested"}));
  for (const std::string& row : rows) EXPECT_EQ(characters(row), characters(rows[0])) << row;
}

TEST(Summary, TheTableShowsAsManyDigitsAsTheSdWarrants) {
  const std::vector<std::string> rows = lines(summary(example()));
  const auto mu = words(rows[1]), big = words(rows[8]);
  EXPECT_EQ(mu[2].substr(mu[2].find('.')).size(), 3u) << mu[2];  // sd 1: two decimals
  EXPECT_EQ(big[2].find('.'), std::string::npos) << big[2];      // sd 4000: none
  EXPECT_EQ(summary(example()).find("-0.00 "), std::string::npos);
}

TEST(Summary, WhatIsNotKnownIsADashInTheTable) {
  const std::vector<std::string> one = words(lines(summary(example()))[9]);
  ASSERT_EQ(one.size(), 11u);
  EXPECT_EQ(one[1], "1");
  EXPECT_EQ(one[9], "-");
}

TEST(Summary, AnEssFromChainsThatAreTooShortIsMarked) {
  Fit fit = example();
  Variable& mu = fit.groups[0].variables[0];
  for (std::size_t i = 1; i < mu.values.size(); ++i) {
    if (i % fit.draws != 0) mu.values[i] += 0.95 * mu.values[i - 1];  // tau about 39, and 250 < 20 · 39
  }
  const std::vector<std::string> rows = lines(summary(fit));
  EXPECT_EQ(words(rows[1])[7].front(), '~');
  EXPECT_NE(words(rows[2])[7].front(), '~');
}

TEST(Summary, JsonIsAListOfObjectsWithEveryDigit) {
  const Fit fit = example();
  const std::vector<NamedDiagnosis> all = diagnose(fit);
  const auto list = nlohmann::json::parse(summary(fit, Format::json));
  ASSERT_EQ(list.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(list[i].at("name"), all[i].name);
    EXPECT_EQ(list[i].at("mean").get<double>(), all[i].diagnosis.mean);
    EXPECT_EQ(list[i].at("sd").get<double>(), all[i].diagnosis.sd);
    EXPECT_EQ(list[i].at("ess_bulk").get<double>(), all[i].diagnosis.ess_bulk);
  }
  EXPECT_EQ(list[0].at("r_hat").get<double>(), all[0].diagnosis.r_hat);
  EXPECT_TRUE(list[8].at("r_hat").is_null());
}

TEST(Summary, CsvQuotesNamesThatHoldACommaAndLeavesUnknownsEmpty) {
  const Fit fit = example();
  const std::vector<std::string> rows = lines(summary(fit, Format::csv));
  ASSERT_EQ(rows.size(), 10u);
  EXPECT_EQ(rows[0],
            "name,mean,sd,q5,median,q95,mcse_mean,mcse_sd,ess_bulk,ess_tail,r_hat,r_hat_split,r_hat_nested,tau");
  EXPECT_EQ(rows[1].substr(0, 3), "mu,");
  EXPECT_EQ(std::stod(rows[1].substr(3)), diagnose(fit)[0].diagnosis.mean);
  EXPECT_EQ(rows[4].substr(0, 15), "\"x[0, Choate]\",");
  EXPECT_NE(rows[9].find(",,"), std::string::npos);
}

TEST(Summary, AFormatThatDoesNotExistIsRefusedWithThoseThatDo) {
  EXPECT_EQ(parse_format("csv"), Format::csv);
  try {
    parse_format("xml");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "There is no format 'xml' (there are table, json and csv). Choose one of these.");
  }
}

TEST(Summary, AFitWithoutPosteriorNamesWhatThereIs) {
  Fit fit = example();
  fit.groups[0].name = "prior";
  try {
    summary(fit);
    FAIL();
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "No group 'posterior' in the fit (it has prior). Choose one of these.");
  }
  EXPECT_THROW(fit.variable("prior", "nu"), std::out_of_range);
  EXPECT_EQ(fit.variable("prior", "mu").name, "mu");
}

}  // namespace
}  // namespace lockstep
