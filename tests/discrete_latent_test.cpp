// Discrete latents that several sites read, summed out: against enumeration (rules §5), and what else is asked of them.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "bound_model.hpp"
#include "densities.hpp"
#include "goodness_of_fit.hpp"
#include "host/host_model.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

// Of each test of draws; ten of them at 1e-4 each, one fixed seed.
constexpr int draws = 20000;

// ---- a class of each person, read by two sites: answers of a person, and one number of each -------------------------------------

struct Classes {
  Dim person, answer, group;
  GroupIndex person_of;
  Real y, x;
  explicit Classes(Dataset& d)
      : person(d.dim("person")), answer(d.dim("answer")), group(d.dim("group", 3)), person_of(d.index("person_of", answer, person)),
        y(d.real("y", answer)), x(d.real("x", person)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1), group);
    auto p = m.param("p", beta(2, 2), group);
    auto mu = m.param("mu", normal(0, 2), group);
    m.latent("class", categorical(w), person, group, [&](const auto& given) {
      given.observe("y", y, answer, person_of, [&](auto, auto k) { return bernoulli(p[k]); });
      given.observe("x", x, person, [&](auto, auto k) { return normal(mu[k], 1); });
    });
  }
};
const std::vector<double> answers{1, 0, 1, 1, 0, 0, 1, 1, 0}, whose{1, 1, 2, 3, 3, 5, 6, 6, 6}, numbers{0.3, -0.4, 1.8, 2.1, 0.9, -0.2};
Data classes() {
  Data data;
  data.set("y", answers);
  data.set("person_of", whose);
  data.set("x", numbers);
  return data;
}
// Of all data of person i and class k.
double joint_of_class(const Bound<Classes>& bound, const Values& values, std::size_t i, std::size_t k) {
  const double p = bound.part(values, "p")[k];
  double density = bound.part(values, "w")[k] * normal_density(numbers[i], bound.part(values, "mu")[k], 1);
  for (std::size_t a = 0; a < answers.size(); ++a)
    if (whose[a] == double(i + 1)) density *= answers[a] == 1 ? p : 1 - p;
  return density;
}
const Values class_position{0.2, -0.5, 0.1, 1.1, -1.2, 0.8, -0.3, 1.4};

TEST(DiscreteLatent, ReadByTwoSitesIsSummedAndRecoveredAsEnumerated) {
  const Bound<Classes> bound(classes());
  const Values values = bound.constrain(class_position), log_likelihood = bound.pointwise(class_position);
  ASSERT_EQ(log_likelihood.size(), 6u);   // one entry for each person
  double total = 0;
  for (int all = 0; all < 729; ++all) {   // 3^6 ways to be of classes
    double density = 1;
    for (std::size_t i = 0, rest = std::size_t(all); i < 6; ++i, rest /= 3) density *= joint_of_class(bound, values, i, rest % 3);
    total += density;
  }
  EXPECT_NEAR(sum(log_likelihood), std::log(total), 1e-12);
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_NEAR(log_likelihood[i], std::log(joint_of_class(bound, values, i, 0) + joint_of_class(bound, values, i, 1) +
                                            joint_of_class(bound, values, i, 2)), 1e-13);
  // The density that is sampled has the likelihood and nothing more.
  Data without = classes();
  without.set_do("y", answers);
  without.set_do("x", numbers);
  const Bound<Classes> prior(without);
  EXPECT_NEAR(bound.log_density(class_position) - prior.log_density(class_position), std::log(total), 1e-12);
  for (const std::size_t i : {2u, 5u}) {
    Sample drawn;
    for (int d = 0; d < draws; ++d) drawn.push_back(bound.part(bound.states(class_position, std::uint32_t(d)), "class")[i]);
    double all = 0;
    for (std::size_t k = 0; k < 3; ++k) all += joint_of_class(bound, values, i, k);
    EXPECT_GT(chi_square(drawn, [&](double k) { return k < 3 ? joint_of_class(bound, values, i, std::size_t(k)) / all : 0.; }), 1e-4);
    EXPECT_LT(chi_square(drawn, [&](double k) { return k < 3 ? bound.part(values, "w")[std::size_t(k)] : 0.; }), 1e-4);  // it can fail
  }
}

TEST(DiscreteLatent, ThatIsKnownLeavesItsSitesAsTheyAre) {
  const Values known{0, 2, 1, 1, 0, 2};
  Data done = classes(), seen = classes();
  done.set_do("class", known);
  seen.set_observed("class", known);
  const Bound<Classes> by_do(done), by_observe(seen), free(classes());
  const Values values = free.constrain(class_position), w = free.part(values, "w");
  double likelihood = 0, prior = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    const std::size_t k = std::size_t(known[i]);
    likelihood += std::log(joint_of_class(free, values, i, k) / w[k]);
    prior += std::log(w[k]);
  }
  EXPECT_NEAR(sum(by_do.pointwise(class_position)), likelihood, 1e-12);
  EXPECT_EQ(by_do.pointwise(class_position).size(), 15u);   // then each answer and each number counts for itself
  EXPECT_NEAR(sum(by_observe.pointwise(class_position)), likelihood + prior, 1e-12);
  EXPECT_EQ(by_observe.pointwise(class_position).size(), 21u);
  EXPECT_NEAR(by_observe.log_density(class_position) - by_do.log_density(class_position), prior, 1e-12);
  EXPECT_NEAR(by_do.log_density(class_position) - free.log_density(class_position), likelihood - sum(free.pointwise(class_position)), 1e-12);
}

TEST(DiscreteLatent, RefusesWhatItCannotBe) {
  for (const double value : {-1., 3., 0.5}) {
    Data data = classes();
    data.set_do("class", {0, 1, 2, 0, value, 1});
    expect_model_error([&] { const Bound<Classes> bound(data); }, {"latent 'class' is", "at element 5", "0 to 2"});
  }
}

// What is missing has density 1 in every class.
TEST(DiscreteLatent, IsSummedWhereItsDataAreMissing) {
  Data gap = classes();
  gap.set("x", {0.3, nan, 1.8, 2.1, 0.9, -0.2});
  const Bound<Classes> bound(gap), whole(classes());
  const Values values = bound.constrain(class_position), mu = bound.part(values, "mu"), with = whole.pointwise(class_position);
  Values expected = with;
  double total = 0;
  std::array<double, 3> joint;
  for (std::size_t k = 0; k < 3; ++k) total += joint[k] = joint_of_class(whole, values, 1, k) / normal_density(numbers[1], mu[k], 1);
  expected[1] = std::log(total);
  const Values log_likelihood = bound.pointwise(class_position);
  ASSERT_EQ(log_likelihood.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(log_likelihood[i], expected[i], 1e-13);
  EXPECT_NEAR(bound.log_density(class_position) - whole.log_density(class_position), expected[1] - with[1], 1e-12);
  // It is drawn with the class: normal about the mean of that, if the class has its posterior probabilities.
  const HostModel model(*model_table<Classes>(), gap);
  Sample classes_drawn, deviations;
  for (std::uint32_t d = 0; d < draws; ++d) {
    Values out(model.values(Meaning::states));   // classes, y and what is missing of x
    bound.model.generate({Meaning::states, class_position.data(), nullptr, 11, 0, d, 0, nullptr, out.data()});
    ASSERT_EQ(out.size(), 6u + answers.size() + 1);
    classes_drawn.push_back(out[1]);
    deviations.push_back(out.back() - mu[std::size_t(out[1])]);
  }
  EXPECT_GT(chi_square(classes_drawn, [&](double k) { return k < 3 ? joint[std::size_t(k)] / total : 0.; }), 1e-4);
  EXPECT_GT(kolmogorov_smirnov(deviations, [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.)); }), 1e-4);
}

TEST(DiscreteLatent, IsOneForAllSitesOfAPrediction) {
  Data data = classes();
  const Bound<Classes> bound(data);
  // Classes far apart in both sites: they must agree in every draw.
  Values values = bound.constrain(class_position);
  Values parameters{0.3, 0.3, 0.4, 1e-9, 0.5, 1 - 1e-9, -50, 0, 50};
  const Values position = bound.unconstrain(parameters);
  double ones = 0;
  for (int d = 0; d < 2000; ++d) {
    const Values drawn = bound.predict(position, 5, 0, std::uint32_t(d));
    const Values group = bound.part(drawn, "class"), x = bound.part(drawn, "x"), y = bound.part(drawn, "y");
    for (std::size_t i = 0; i < 6; ++i) EXPECT_LT(std::abs(x[i] - 50 * (group[i] - 1)), 8);
    for (std::size_t a = 0; a < y.size(); ++a)
      if (const double k = group[std::size_t(whose[a]) - 1]; k != 1) {
        EXPECT_EQ(y[a], k == 0 ? 0 : 1);
      }
    ones += group[3] == 1 ? 1 : 0;
  }
  EXPECT_NEAR(ones / 2000, 0.3, 4.5 * std::sqrt(0.3 * 0.7 / 2000));  // false alarm: 7e-6
}

// Sites that do not go with their latent.
template <int what> struct Mismatched : Classes {
  using Classes::Classes;
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 2), group);
    m.latent("class", bernoulli(0.3), person, group, [&](const auto& given) {
      const auto f = [&](auto, auto k) { return normal(mu[k], 1); };
      if constexpr (what == 0) given.observe("y", y, answer, f);
      if constexpr (what == 1) given.observe("x", x, person, person_of, f);
      if constexpr (what == 2) given.observe_change("x", x, person, group, f);
      if constexpr (what == 3) given.observe("x", x, person, [&](auto, auto k) { return normal(k.position, 1); });
    });
  }
};
TEST(DiscreteLatent, RefusesSitesThatDoNotGoWithIt) {
  expect_model_error([] { const Bound<Mismatched<0>> bound(classes()); }, {"site 'y' has data along another dimension than latent 'class'"});
  expect_model_error([] { const Bound<Mismatched<1>> bound(classes()); }, {"site 'x' has a group index that is not from its data to"});
  expect_model_error([] { const Bound<Mismatched<2>> bound(classes()); }, {"site 'x' cannot change at latent 'class'"});
  expect_model_error([] { const Bound<Mismatched<3>> bound(classes()); }, {"site 'x' reads elements by a number"});
}

// ---- a change point ----------------------------------------------------------------------------------------------------------

// With as many values as times, or one more: no change; the same by densities of all values and all times.
template <bool everything> struct Change {
  Dim year, from, regime;
  Real accidents, costs;
  explicit Change(Dataset& d)
      : year(d.dim("year")), from(d.dim("from")), regime(d.dim("regime", 2)), accidents(d.integer("accidents", year)), costs(d.real("costs", year)) {}
  template <class M> void operator()(M& m) const {
    auto rate = m.param("rate", exponential(0.5), regime);
    auto level = m.param("level", normal(0, 1), regime);
    m.latent("change", discrete_uniform(0, from.size - 1), from, [&](const auto& given) {
      if constexpr (everything) {
        given.observe("accidents", accidents, year, [&](auto t, auto k) { return poisson(rate[side(t, k)]); });
        given.observe("costs", costs, year, [&](auto t, auto k) { return normal(level[side(t, k)], 1); });
      } else {
        given.observe_change("accidents", accidents, year, regime, [&](auto, auto r) { return poisson(rate[r]); });
        given.observe_change("costs", costs, year, regime, [&](auto, auto r) { return normal(level[r], 1); });
      }
    });
  }
  Index side(Index t, Index k) const { return {t.position < k.position ? 0 : 1, regime.id}; }
};
const std::vector<double> accidents{4, 5, 3, 1, 0, 2}, costs{0.4, -0.2, 0.6, 1.9, 1.1, 1.4};
Data changes(int values) {
  Data data;
  data.set("accidents", accidents);
  data.set("costs", costs);
  data.set("from", double(values));
  return data;
}
double joint_of_change(const Values& rate, const Values& level, int values, int k) {
  double density = 1. / values;
  for (std::size_t t = 0; t < 6; ++t) {
    const std::size_t r = int(t) < k ? 0 : 1;
    density *= poisson_mass(accidents[t], rate[r]) * normal_density(costs[t], level[r], 1);
  }
  return density;
}

TEST(DiscreteLatent, OfAChangeIsSummedAndRecoveredAsEnumerated) {
  const Values position{1.2, 0.3, 0.1, 1.3};
  for (const int values : {3, 6, 7}) {
    const Bound<Change<false>> bound(changes(values));
    const Bound<Change<true>> written_out(changes(values));
    const Values at = bound.constrain(position), rate = bound.part(at, "rate"), level = bound.part(at, "level");
    double total = 0;
    for (int k = 0; k < values; ++k) total += joint_of_change(rate, level, values, k);
    const Values log_likelihood = bound.pointwise(position);
    ASSERT_EQ(log_likelihood.size(), 1u);   // the whole series is one event
    EXPECT_NEAR(log_likelihood[0], std::log(total), 1e-12);
    EXPECT_NEAR(written_out.pointwise(position)[0], std::log(total), 1e-12);
    EXPECT_NEAR(bound.log_density(position), written_out.log_density(position), 1e-12);
    Sample drawn;
    for (int d = 0; d < draws; ++d) drawn.push_back(bound.part(bound.states(position, std::uint32_t(d)), "change")[0]);
    EXPECT_GT(chi_square(drawn, [&](double k) { return k < values ? joint_of_change(rate, level, values, int(k)) / total : 0.; }), 1e-4);
    for (const double k : {0., values - 1.}) {
      Data known = changes(values);
      known.set_observed("change", {k});
      EXPECT_NEAR(sum(Bound<Change<false>>(known).pointwise(position)), std::log(joint_of_change(rate, level, values, int(k))), 1e-12);
      EXPECT_NEAR(sum(Bound<Change<true>>(known).pointwise(position)), std::log(joint_of_change(rate, level, values, int(k))), 1e-12);
    }
  }
}

// ---- latents that read latents -------------------------------------------------------------------------------------------------

// Each person is of a kind; in a mood whose chances depend on it; has a habit that depends on the kind, too; and each answer may be a
// slip, the more so the mood.
struct Moods {
  Dim person, answer, kind, mood, two;
  GroupIndex person_of;
  Real y, x, z, u;
  explicit Moods(Dataset& d)
      : person(d.dim("person")), answer(d.dim("answer")), kind(d.dim("kind", 2)), mood(d.dim("mood", 3)), two(d.dim("two", 2)),
        person_of(d.index("person_of", answer, person)), y(d.real("y", answer)), x(d.real("x", person)), z(d.real("z", person)),
        u(d.real("u", person)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1), kind);
    auto P = m.param("P", dirichlet(1), kind, mood);
    auto mu = m.param("mu", normal(0, 2), kind);
    auto shift = m.param("shift", normal(0, 1), mood);
    auto slope = m.param("slope", normal(0, 1), two);
    m.latent("kind_of", categorical(w), person, kind, [&](const auto& given) {
      given.observe("x", x, person, [&](auto, auto k) { return normal(mu[k], 1); });
      given.latent("mood_of", mood, [&](auto, auto k) { return categorical(P.row(k)); }, [&](const auto& both) {
        both.observe("z", z, person, [&](auto, auto k, auto l) { return normal(mu[k] + shift[l], 0.7); });
        both.latent("slip", answer, person_of, two, [&](auto, auto, auto l) { return bernoulli(inverse_logit(shift[l])); },
                    [&](const auto& all) {
          all.observe("y", y, answer, [&](auto, auto k, auto l, auto s) { return bernoulli_logit(mu[k] + shift[l] * slope[s]); });
        });
      });
      given.latent("habit", two, [&](auto i, auto k) { return bernoulli(inverse_logit(mu[k] * x[i])); }, [&](const auto& both) {
        both.observe("u", u, person, [&](auto, auto, auto h) { return normal(slope[h], 1); });
      });
    });
  }
};
const std::vector<double> zs{1.3, -0.1, 0.8, 2.4, 0.2, -1.2}, us{0.2, 1.4, -0.7, 0.1, 0.9, 0.5};
Data moods() {
  Data data = classes();
  data.set("z", zs);
  data.set("u", us);
  return data;
}
const Values mood_position{0.4, 0.3, -0.6, -0.2, 0.7, 0.5, -0.8, 0.6, -0.4, 0.9, 0.3, -1.1};
// Sums and products over what is not known, by definition. `known`: a kind, a mood, a habit or a slip for every element, or -1;
// `priors`: of these four, whether that counts.
struct KnownMoods {
  int kind = -1, mood = -1, habit = -1, slip = -1;
  bool priors[4] = {true, true, true, true};
};
struct MoodParts {
  Values w, P, mu, shift, slope;
};
MoodParts parts_of(const Bound<Moods>& bound) {
  const Values values = bound.constrain(mood_position);
  return {bound.part(values, "w"), bound.part(values, "P"), bound.part(values, "mu"), bound.part(values, "shift"), bound.part(values, "slope")};
}
double inverse_logit_of(double x) { return 1 / (1 + std::exp(-x)); }
double bernoulli_mass(double y, double p) { return y == 1 ? p : 1 - p; }
// All data of answer a and slip s, with the probability of that, if it counts.
double of_answer(const MoodParts& p, std::size_t a, std::size_t k, std::size_t l, std::size_t s, bool prior = true) {
  return (prior ? bernoulli_mass(double(s), inverse_logit_of(p.shift[l])) : 1) *
         bernoulli_mass(answers[a], inverse_logit_of(p.mu[k] + p.shift[l] * p.slope[s]));
}
double of_habit(const MoodParts& p, std::size_t i, std::size_t k, std::size_t h, bool prior = true) {
  return (prior ? bernoulli_mass(double(h), inverse_logit_of(p.mu[k] * numbers[i])) : 1) * normal_density(us[i], p.slope[h], 1);
}
double of_kind_and_mood(const MoodParts& p, std::size_t i, std::size_t k, std::size_t l, const KnownMoods& known = {}) {
  double density = (known.priors[0] ? p.w[k] : 1) * (known.priors[1] ? p.P[3 * k + l] : 1) * normal_density(numbers[i], p.mu[k], 1) *
                   normal_density(zs[i], p.mu[k] + p.shift[l], 0.7);
  double habits = 0;
  for (std::size_t h = 0; h < 2; ++h)
    if (known.habit < 0 || int(h) == known.habit) habits += of_habit(p, i, k, h, known.priors[2]);
  density *= habits;
  for (std::size_t a = 0; a < answers.size(); ++a) {
    if (whose[a] != double(i + 1)) continue;
    double slips = 0;
    for (std::size_t s = 0; s < 2; ++s)
      if (known.slip < 0 || int(s) == known.slip) slips += of_answer(p, a, k, l, s, known.priors[3]);
    density *= slips;
  }
  return density;
}
double of_person(const MoodParts& p, std::size_t i, const KnownMoods& known = {}) {
  double total = 0;
  for (std::size_t k = 0; k < 2; ++k)
    for (std::size_t l = 0; l < 3; ++l)
      if ((known.kind < 0 || int(k) == known.kind) && (known.mood < 0 || int(l) == known.mood)) total += of_kind_and_mood(p, i, k, l, known);
  return total;
}
double log_of_all(const MoodParts& p, const KnownMoods& known = {}) {
  double total = 0;
  for (std::size_t i = 0; i < 6; ++i) total += std::log(of_person(p, i, known));
  return total;
}

TEST(NestedLatents, AreSummedAndRecoveredAsEnumerated) {
  const Bound<Moods> bound(moods());
  const MoodParts p = parts_of(bound);
  const Values log_likelihood = bound.pointwise(mood_position);
  ASSERT_EQ(log_likelihood.size(), 6u);   // one entry for each person
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(log_likelihood[i], std::log(of_person(p, i)), 1e-13) << i;
  Data without = moods();
  without.set_do("y", answers);
  without.set_do("x", numbers);
  without.set_do("z", zs);
  without.set_do("u", us);
  EXPECT_NEAR(bound.log_density(mood_position) - Bound<Moods>(without).log_density(mood_position), log_of_all(p), 1e-12);
  // Of the first person, who gave the first two answers: kind, mood, habit and both slips as one number.
  Sample drawn;
  std::vector<double> joint(48);
  double total = 0;
  for (std::size_t code = 0; code < 48; ++code) {
    const std::size_t k = code / 24, l = code / 8 % 3, h = code / 4 % 2, s = code / 2 % 2, t = code % 2;
    joint[code] = p.w[k] * p.P[3 * k + l] * normal_density(numbers[0], p.mu[k], 1) * normal_density(zs[0], p.mu[k] + p.shift[l], 0.7) *
                  of_habit(p, 0, k, h) * of_answer(p, 0, k, l, s) * of_answer(p, 1, k, l, t);
    total += joint[code];
  }
  EXPECT_NEAR(std::log(total), log_likelihood[0], 1e-13);
  for (int d = 0; d < draws; ++d) {
    const Values states = bound.states(mood_position, std::uint32_t(d));
    const auto first = [&](const char* name) { return bound.part(states, name)[0]; };
    drawn.push_back(24 * first("kind_of") + 8 * first("mood_of") + 4 * first("habit") + 2 * first("slip") + bound.part(states, "slip")[1]);
  }
  EXPECT_GT(chi_square(drawn, [&](double code) { return code < 48 ? joint[std::size_t(code)] / total : 0.; }), 1e-4);
  EXPECT_LT(chi_square(drawn, [&](double code) { return code < 48 ? 1. / 48 : 0.; }), 1e-4);   // it can fail
}

TEST(NestedLatents, MayBeKnownInAnyCombination) {
  const Bound<Moods> free(moods());
  const MoodParts p = parts_of(free);
  const double base = free.log_density(mood_position) - log_of_all(p);
  struct Part {
    const char* name;
    int KnownMoods::*value;
    std::size_t size;
  };
  const Part all[] = {{"kind_of", &KnownMoods::kind, 6}, {"mood_of", &KnownMoods::mood, 6}, {"habit", &KnownMoods::habit, 6}, {"slip", &KnownMoods::slip, 9}};
  for (int which = 1; which < 16; ++which)
    for (const bool done : {false, true}) {
      SCOPED_TRACE(testing::Message() << which << (done ? " done" : " observed"));
      Data data = moods();
      KnownMoods known;
      for (int n = 0; n < 4; ++n) {
        if (!(which >> n & 1)) continue;
        const Values given(all[n].size, 1.);
        if (done) data.set_do(all[n].name, given);
        else data.set_observed(all[n].name, given);
        known.*all[n].value = 1;
        known.priors[n] = !done;
      }
      const Bound<Moods> bound(data);
      const double expected = log_of_all(p, known);
      EXPECT_NEAR(bound.log_density(mood_position), base + expected, 1e-12);
      EXPECT_NEAR(sum(bound.pointwise(mood_position)), expected, 1e-12);
    }
  // Where the kind is known, each mood has an entry, and each habit, and what is observed of the kind alone.
  Data data = moods();
  data.set_do("kind_of", Values(6, 1.));
  const Bound<Moods> bound(data);
  const Values log_likelihood = bound.pointwise(mood_position);
  ASSERT_EQ(log_likelihood.size(), 18u);   // x, mood_of, habit: what is first declared is first
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(log_likelihood[i], std::log(normal_density(numbers[i], p.mu[1], 1)), 1e-13);
    EXPECT_NEAR(log_likelihood[12 + i], std::log(of_habit(p, i, 1, 0) + of_habit(p, i, 1, 1)), 1e-13);
  }
}

TEST(NestedLatents, ArePredictedWithWhatTheyRead) {
  const Bound<Moods> bound(moods());
  const MoodParts p = parts_of(bound);
  Sample drawn, deviations;
  for (std::uint32_t d = 0; d < 4000; ++d) {
    const Values values = bound.predict(mood_position, 5, 0, d);
    const std::size_t k = std::size_t(bound.part(values, "kind_of")[2]), l = std::size_t(bound.part(values, "mood_of")[2]);
    drawn.push_back(double(3 * k + l));
    deviations.push_back((bound.part(values, "z")[2] - p.mu[k] - p.shift[l]) / 0.7);
  }
  EXPECT_GT(chi_square(drawn, [&](double code) { return code < 6 ? p.w[std::size_t(code) / 3] * p.P[std::size_t(code)] : 0.; }), 1e-4);
  EXPECT_GT(kolmogorov_smirnov(deviations, [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.)); }), 1e-4);
}

TEST(NestedLatents, AreInTheGraphBelowWhatTheyRead) {
  const HostModel model(*model_table<Moods>(), moods());
  const auto edges = model.graph();
  const auto has = [&](const char* from, const char* to) { return std::ranges::count(edges, std::pair<std::string, std::string>{from, to}) == 1; };
  EXPECT_TRUE(has("kind_of", "mood_of") && has("kind_of", "habit") && has("mood_of", "slip") && has("P", "mood_of"));
  EXPECT_TRUE(has("kind_of", "z") && has("mood_of", "z") && has("slip", "y") && has("habit", "u"));
  EXPECT_FALSE(has("mood_of", "habit") || has("habit", "y") || has("mood_of", "x"));
}

TEST(NestedLatents, AreRecoveredFromAFit) {
  SampleOptions options;
  options.chains = 4;
  options.warmup = 50;
  options.draws = 10;
  options.log_likelihood = options.predictive = true;
  const Fit fit = sample<Moods>(moods(), options);
  ASSERT_EQ(fit.group("log_likelihood").variables.size(), 1u);
  EXPECT_EQ(fit.variable("log_likelihood", "kind_of").values.size(), 6u * 40);
  const Fit recovered = recover_states<Moods>(fit, 5);
  EXPECT_EQ(recovered.variable("states", "mood_of").values.size(), 6u * 40);
  EXPECT_EQ(recovered.variable("states", "slip").values.size(), 9u * 40);
}

// Of numbers: a change point whose time depends on a coin, and which changes what the coin says.
struct CoinAndChange {
  Dim year, from, regime;
  Real accidents;
  explicit CoinAndChange(Dataset& d)
      : year(d.dim("year")), from(d.dim("from")), regime(d.dim("regime", 2)), accidents(d.integer("accidents", year)) {}
  template <class M> void operator()(M& m) const {
    auto rate = m.param("rate", exponential(0.5), regime);
    m.latent("coin", bernoulli(0.3), regime, [&](const auto& given) {
      given.latent("change", from, [&](auto c) { return binomial(from.size - 1, select(rate[c] > 1, 0.4, 0.7)); }, [&](const auto& both) {
        both.observe_change("accidents", accidents, year, regime, [&](auto, auto c, auto r) { return poisson(rate[r] * (1 + rate[c])); });
      });
    });
  }
};
TEST(NestedLatents, OfAChangeAreSummedAsEnumerated) {
  const Values position{0.4, -0.3};
  for (const int values : {3, 7}) {
    const Bound<CoinAndChange> bound(changes(values));
    const Values rate = bound.part(bound.constrain(position), "rate");
    double total = 0;
    for (std::size_t c = 0; c < 2; ++c)
      for (int k = 0; k < values; ++k) {
        const double chance = rate[c] > 1 ? 0.4 : 0.7;
        double density = (c == 1 ? 0.3 : 0.7) * std::exp(std::lgamma(values) - std::lgamma(k + 1) - std::lgamma(values - k)) *
                         std::pow(chance, k) * std::pow(1 - chance, values - 1 - k);
        for (std::size_t t = 0; t < 6; ++t) density *= poisson_mass(accidents[t], rate[int(t) < k ? 0 : 1] * (1 + rate[c]));
        total += density;
      }
    ASSERT_EQ(bound.pointwise(position).size(), 1u);
    EXPECT_NEAR(bound.pointwise(position)[0], std::log(total), 1e-12);
  }
}

template <int what> struct MismatchedNested : Classes {
  using Classes::Classes;
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 2), group);
    m.latent("class", bernoulli(0.3), person, group, [&](const auto& given) {
      const auto prior = [&](auto, auto) { return bernoulli(0.5); };
      const auto sites = [&](const auto& both) { both.observe("y", y, answer, person_of, [&](auto, auto k, auto) { return normal(mu[k], 1); }); };
      if constexpr (what == 0) given.latent("inner", answer, group, prior, sites);
      if constexpr (what == 1) given.latent("inner", person, person_of, group, prior, sites);
      if constexpr (what == 2)
        for (int n = 0; n < 9; ++n) given.latent("inner", group, prior, [&](const auto&) {});
    });
  }
};
TEST(NestedLatents, AreRefusedWhereTheyDoNotGoWithWhatTheyRead) {
  expect_model_error([] { const Bound<MismatchedNested<0>> bound(classes()); }, {"site 'inner' has elements along another dimension than latent 'class'"});
  expect_model_error([] { const Bound<MismatchedNested<1>> bound(classes()); }, {"site 'inner' has a group index that is not from its data to"});
  expect_model_error([] { const Bound<MismatchedNested<2>> bound(classes()); }, {"latent 'inner' is the 9th within one latent"});
}

TEST(DiscreteLatent, IsAGroupOfTheFitsDraws) {
  SampleOptions options;
  options.chains = 4;
  options.warmup = 100;
  options.draws = 100;
  options.log_likelihood = options.predictive = true;
  const Fit fit = sample<Change<false>>(changes(7), options);
  ASSERT_EQ(fit.group("log_likelihood").variables.size(), 1u);
  EXPECT_EQ(fit.group("log_likelihood").variables[0].name, "change");
  EXPECT_EQ(fit.group("observed_data").variables.size(), 2u);   // nobody has seen the latent
  EXPECT_EQ(fit.group("posterior_predictive").variables.size(), 3u);
  const Fit recovered = recover_states<Change<false>>(fit, 5);
  ASSERT_EQ(recovered.group("states").variables.size(), 1u);
  const Values& drawn = recovered.variable("states", "change").values;
  EXPECT_TRUE(std::all_of(drawn.begin(), drawn.end(), [](double k) { return k >= 0 && k < 7 && k == std::floor(k); }));
  // Fewer accidents and higher costs from the fourth year on.
  EXPECT_GT(std::count(drawn.begin(), drawn.end(), 3.), std::ptrdiff_t(drawn.size() / 3));
  // What was observed of it comes back with the fit.
  Data known = changes(7);
  known.set_observed("change", {3});
  const Fit of_known = sample<Change<false>>(known, options);
  EXPECT_EQ(of_known.variable("observed_data", "change").values, Values{3});
  EXPECT_EQ(data_of(*model_table<Change<false>>(), of_known).actions().count("change"), 1u);
}

TEST(DiscreteLatent, IsRightAboutItself) {
  CalibrationOptions options;
  options.fits = 200;
  options.draws = 20;
  const Calibration result = calibrate(*model_table<Change<false>>(), changes(7), options);
  EXPECT_TRUE(result.passed()) << report(result);
}

}  // namespace
}  // namespace lockstep
