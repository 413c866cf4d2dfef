// Where chains start: uniform, zero, from the prior, or at given values.
#include "host/starts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "lockstep/model_table.hpp"
#include "lockstep/model.hpp"
#include "models/eight_schools.hpp"
#include "models/gauss_mix.hpp"

namespace lockstep {
namespace {

using Values = std::vector<double>;

// `part` lies within (0, whole), so its coordinate depends on another parameter.
struct Parts {
  explicit Parts(Dataset&) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto whole = m.param("whole", exponential(1));
    auto part = m.param("part", uniform(0, whole));
    auto twice = m.deterministic("twice", 2 * part);
    m.param("other", normal(twice, 1));
  }
};

struct Flattened {
  explicit Flattened(Dataset&) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const { m.param("slope", flat()); }
};

Data schools() { return Data::from_json(R"({"y": [28, 8, -3], "sigma": [15, 10, 16]})", "schools"); }
Data json(const std::string& text) { return Data::from_json(text, "init.json"); }

// A model bound to its data, which live beside it.
struct Bound {
  Data data;
  HostModel model;
  Bound(const ModelTable* table, Data d) : data(std::move(d)), model(*table, data) {}
};

// Parameters and deterministics at a position, site after site.
Values values_at(const HostModel& model, const Values& position) {
  Values values(model.values(Meaning::constrain));
  GenerateRequest request{};
  request.meaning = Meaning::constrain;
  request.position = position.data();
  request.out = values.data();
  model.generate(request);
  return values;
}

template <class F> std::string message_of(const F& f) {
  try {
    f();
  } catch (const SampleError& error) {
    return error.what();
  }
  return "no error";
}
void expect_parts(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << part << "\n  in: " << message;
}

TEST(Starts, AreUniformInTheUnconstrainedCoordinatesAndDifferent) {
  const Bound b(model_table<models::EightSchools>(), schools());
  for (double range : {2., 0.25}) {
    const Starts starts(b.model, InitUniform{range}, 7);
    EXPECT_FALSE(starts.are_one_point());
    double largest = 0;
    std::set<double> first;
    for (std::uint32_t k = 0; k < 200; ++k) {
      const Values position = starts(k);
      first.insert(position[0]);
      for (double x : position) largest = std::max(largest, std::abs(x));
    }
    EXPECT_EQ(first.size(), 200u);
    EXPECT_LT(largest, range);
    EXPECT_GT(largest, 0.9 * range);  // 1000 of them: below by chance once in 10^45
  }
}

TEST(Starts, DependOnTheSeedAndTheirNumberAlone) {
  const Bound b(model_table<models::EightSchools>(), schools());
  for (const Init& init : {Init(InitUniform{}), Init(InitPrior{}), Init(json(R"({"mu": 1})"))}) {
    EXPECT_EQ(Starts(b.model, init, 7)(3), Starts(b.model, init, 7)(3));
    EXPECT_NE(Starts(b.model, init, 7)(3), Starts(b.model, init, 7)(4));
    EXPECT_NE(Starts(b.model, init, 7)(3), Starts(b.model, init, 8)(3));
  }
}

struct Narrow {
  explicit Narrow(Dataset&) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    m.param("steep", normal(0, 1e-5));
    m.param("usual", normal(0, 1));
  }
};
// exp(exp(x)) of what an explosive recurrence is like.
struct Explosive {
  explicit Explosive(Dataset&) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto x = m.param("x", normal(0, 1));
    auto error = m.let("error", exp(40 * x));
    m.potential("fit", -0.5 * error * error);
  }
};

TEST(Starts, LeaveTheFarTailAndNothingElse) {
  const Bound narrow(model_table<Narrow>(), Data()), explosive(model_table<Explosive>(), Data());
  const Starts in_narrow(narrow.model, InitUniform{}, 7), in_explosive(explosive.model, InitUniform{}, 7);
  int moved = 0;
  for (std::uint32_t k = 0; k < 50; ++k) {
    const Values narrow_start = in_narrow(k);
    EXPECT_LT(std::abs(narrow_start[0]), 1e-3) << k;  // a hundred sds, where a step of the usual size gets somewhere
    // Not at the mode, where all starts would be one: its log density is below that of the mode by 30 to 60, half to all of what counts
    // as far, and by what the way up had not gained yet.
    Values gradient(2), mode{0, 0};
    const double gap = narrow.model.log_density(mode.data(), gradient.data()) - narrow.model.log_density(narrow_start.data(), gradient.data());
    EXPECT_GT(gap, 30) << k;
    EXPECT_LT(gap, 63) << k;
    const double first = in_explosive.first_try(k)[0], start = in_explosive(k)[0];
    if (first < 0) {
      EXPECT_EQ(start, first);
    } else if (first > 0.2) {  // a log density below -4e6
      EXPECT_LT(start, 0.1);
      ++moved;
    }
  }
  EXPECT_GT(moved, 10);
  // What is asked for by name is kept.
  EXPECT_NEAR(Starts(narrow.model, json(R"({"steep": 1, "usual": 0})"), 7)(0)[0], 1, 1e-12);
}

TEST(Starts, AtZeroAreZero) {
  const Bound b(model_table<models::EightSchools>(), schools());
  const Starts starts(b.model, InitUniform{0}, 7);
  EXPECT_TRUE(starts.are_one_point());
  EXPECT_EQ(starts(0), Values(5, 0.));
}

TEST(Starts, FromThePriorHaveItsDistribution) {
  const Bound b(model_table<Parts>(), Data());
  const Starts starts(b.model, InitPrior{}, 7);
  const int n = 4000;
  double whole = 0, share = 0;
  for (std::uint32_t k = 0; k < n; ++k) {
    const Values values = values_at(b.model, starts(k));
    whole += values[0] / n;
    share += values[1] / values[0] / n;
  }
  // whole: mean 1, sd 1; share: uniform, mean 1/2, sd 1/sqrt(12). Five standard errors: a false alarm in a million.
  EXPECT_NEAR(whole, 1, 5 / std::sqrt(n));
  EXPECT_NEAR(share, 0.5, 5 / std::sqrt(12. * n));
}

TEST(Starts, AreTheGivenValuesOfAllParameters) {
  const Bound b(model_table<Parts>(), Data());
  const Starts starts(b.model, json(R"({"part": 1.5, "whole": 4, "other": -2, "twice": 99, "label": ["a"]})"), 7);
  EXPECT_TRUE(starts.are_one_point());
  const Values values = values_at(b.model, starts(0));
  EXPECT_NEAR(values[0], 4, 1e-14);
  EXPECT_NEAR(values[1], 1.5, 1e-14);
  EXPECT_EQ(values[2], 2 * values[1]);  // a deterministic is computed, whatever is given
  EXPECT_EQ(values[3], -2);
}

TEST(Starts, KeepWhatIsGivenAndDrawTheRest) {
  const Bound b(model_table<Parts>(), Data());
  const Starts starts(b.model, json(R"({"part": 0.5})"), 7);
  EXPECT_FALSE(starts.are_one_point());
  std::set<double> whole;
  for (std::uint32_t k = 0; k < 50; ++k) {
    const Values position = starts(k);
    const Values values = values_at(b.model, position);
    EXPECT_NEAR(values[1], 0.5, 1e-14);
    EXPECT_GT(values[0], 0.5);  // starts in which 0.5 is no part of the whole were drawn again
    EXPECT_LT(std::abs(position[2]), 2);
    whole.insert(values[0]);
  }
  EXPECT_EQ(whole.size(), 50u);
}

TEST(Starts, OutsideASupportAreNamedByParameterElementValueAndSupport) {
  const auto message = [](const ModelTable* table, Data data, const char* init) {
    const Bound b(table, std::move(data));
    return message_of([&] { Starts(b.model, json(init), 7)(0); });
  };
  expect_parts(message(model_table<models::EightSchools>(), schools(), R"({"tau": -1})"),
               {"no starting point", "'tau' is -1", "positive"});
  expect_parts(message(model_table<models::GaussMix>(), json(R"({"component": 2, "y": [1, 2]})"), R"({"mu": [2, 1]})"),
               {"'mu' is 1 at element 2", "ordered"});
  expect_parts(message(model_table<Parts>(), Data(), R"({"whole": 1, "part": 3, "other": 0})"),
               {"'part' is 3", "between two bounds"});
}

TEST(Starts, OfAnotherNameOrShapeAreRefused) {
  const Bound b(model_table<models::EightSchools>(), schools());
  const auto message = [&](const char* init) { return message_of([&] { Starts(b.model, json(init), 7); }); };
  expect_parts(message(R"({"Mu": 1})"), {"'Mu'", "mu, tau, z"});
  expect_parts(message(R"({"y": [1, 2, 3]})"), {"'y'", "mu, tau, z"});
  expect_parts(message(R"({"mu": [1]})"), {"'mu'", "shape [1]", "one number"});
  expect_parts(message(R"({"z": 1})"), {"'z'", "one number", "shape [3]"});
  expect_parts(message(R"({"z": [1, 2]})"), {"'z'", "shape [2]", "shape [3]"});
  expect_parts(message(R"({"z": [1, "NaN", 2]})"), {"'z'", "NaN at element 2"});
  expect_parts(message(R"({"mu": "Inf"})"), {"'mu'", "inf"});
}

TEST(Starts, AnImpossibleObservationIsNamedWhateverTheStart) {
  const Bound b(model_table<models::EightSchools>(), json(R"({"y": [1, 2, 3], "sigma": [1, -1, 1]})"));
  for (const Init& init : {Init(InitUniform{}), Init(InitUniform{0}), Init(InitPrior{}), Init(json(R"({"mu": 1})"))}) {
    const Starts starts(b.model, init, 7);
    expect_parts(message_of([&] { starts(0); }), {starts.description(), "number 2 of 'y'", "NaN"});
  }
}

TEST(Starts, FromAFlatPriorAreRefusedByName) {
  const Bound b(model_table<Flattened>(), Data());
  expect_parts(message_of([&] { Starts(b.model, InitPrior{}, 7)(0); }), {"'slope'", "flat"});
}

TEST(Starts, AreRecordedWithTheDraws) {
  SampleOptions options;
  options.chains = 4;
  options.warmup = 20;
  options.draws = 10;
  const auto starts = [&](Init init) {
    options.init = std::move(init);
    return sample(*model_table<models::EightSchools>(), schools(), options).attributes;
  };
  EXPECT_EQ(std::get<std::string>(starts(InitUniform{}).at("starts")), "uniform on (-2, 2) in the unconstrained coordinates, and from there out of the far tail");
  EXPECT_FALSE(starts(InitUniform{}).contains("notes"));
  EXPECT_TRUE(starts(InitUniform{0}).contains("notes"));
  EXPECT_EQ(std::get<std::string>(starts(InitPrior{}).at("starts")), "draws from the prior");
  options.init = InitUniform{-1};
  expect_parts(message_of([&] { validate(options); }), {"init", "-1"});
}

}  // namespace
}  // namespace lockstep
