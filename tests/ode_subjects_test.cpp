// Differential equations of each subject of a group, with initial values, starts, parameters and times of the subject's own: against
// closed forms, by the oracles of gradient_oracles.hpp, and mistakes.
#include "ode_systems.hpp"

#include "lockstep/lockstep.hpp"
#include "tests/model_error.hpp"

namespace lockstep {
namespace {

// A dose is absorbed from the gut into the blood and leaves it from there: Bateman's function.
double bateman(double dose, double ka, double ke, double t) { return dose * ka / (ka - ke) * (std::exp(-ke * t) - std::exp(-ka * t)); }

// Doses, at times of their own, and rates by subject; the logarithm of one has a linear predictor.
template <bool is_stiff> struct Doses {
  Dim sample, patient, part, column;
  GroupIndex patient_of;
  Real hours, y, dose, given_at;
  Matrix X;
  explicit Doses(Dataset& d)
      : sample(d.dim("sample")), patient(d.dim("patient")), part(d.dim("part", 2)), column(d.dim("column")),
        patient_of(d.index("patient_of", sample, patient)), hours(d.real("hours", sample)), y(d.real("y", sample)),
        dose(d.real("dose", patient)), given_at(d.real("given_at", patient)), X(d.matrix("X", patient, column)) {}
  template <class M> void operator()(M& m) const {
    auto b = m.param("b", normal(0, 1), column);
    auto log_ka = m.linear(X, b);
    auto ke = m.param("ke", lognormal(-1, 0.3), patient);
    auto left = m.param("left", half_normal(1));          // in the blood from before
    auto amount = m.ode("amount", sample, part, patient_of,
                        [&](auto p, auto k) { return dose[p] * delta(k, Index{0, part.id}) + left * delta(k, Index{1, part.id}); }, given_at,
                        hours, [&](auto p, auto, auto a) {
      return derivatives(-exp(log_ka[p]) * a[0], exp(log_ka[p]) * a[0] - ke[p] * a[1]);
    }, method<is_stiff>(1e-11));
    m.observe("y", y, sample, [&](auto i) { return normal(amount(i, 1), 1); });
  }
};
// The second patient has no samples; the others have three, one and two.
const Values hours{0.5, 2, 7, 1.25, 3, 9}, doses{10, 5, 20, 8}, given_at{0.25, 0, 1, 3};
const std::vector<int> patients{0, 0, 0, 2, 3, 3};
Data dose_data() {
  Numbers numbers(1);
  Data data;
  data.set("patient_of", {1, 1, 1, 3, 4, 4});
  data.set("hours", hours);
  data.set("y", numbers.uniforms(6, 0, 5));
  data.set("dose", doses);
  data.set("given_at", given_at);
  data.set("X", std::vector<Values>{{0.5, -0.2}, {0.1, 0.9}, {-0.3, 0.4}, {0.7, 0.2}});
  return data;
}
template <bool is_stiff> void expect_bateman() {
  const Bound<Doses<is_stiff>> bound(dose_data());
  const Values at{0.4, -0.7, -1.2, -0.8, -1.1, -0.5, 0.1};   // b, log ke, log left
  const std::vector<Values> X{{0.5, -0.2}, {0.1, 0.9}, {-0.3, 0.4}, {0.7, 0.2}};
  const Values y = Numbers(1).uniforms(6, 0, 5);
  const auto expected = [&](const Values& x) {
    double sum = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      const std::size_t p = std::size_t(patients[i]);
      const double ka = std::exp(X[p][0] * x[0] + X[p][1] * x[1]), ke = std::exp(x[2 + p]), t = hours[i] - given_at[p];
      sum += -0.5 * std::pow(y[i] - bateman(doses[p], ka, ke, t) - std::exp(x[6]) * std::exp(-ke * t), 2) - 0.5 * std::log(2 * M_PI);
    }
    // Priors with their Jacobians: lognormal is normal in the logarithm.
    for (std::size_t k = 0; k < 2; ++k) sum += -0.5 * x[k] * x[k] - 0.5 * std::log(2 * M_PI);
    for (std::size_t p = 0; p < 4; ++p) sum += -0.5 * std::pow((x[2 + p] + 1) / 0.3, 2) - std::log(0.3) - 0.5 * std::log(2 * M_PI);
    return sum - 0.5 * std::exp(2 * x[6]) + 0.5 * std::log(2 / M_PI) + x[6];
  };
  const Result found = bound.scalar(at);
  EXPECT_NEAR(found.log_density, expected(at), 1e-8);
  const Values slopes = central_differences(expected, at);
  for (std::size_t c = 0; c < at.size(); ++c) EXPECT_NEAR(found.gradient[c], slopes[c], 1e-7 * std::max(1., std::abs(slopes[c]))) << c;
}
TEST(OdeOfEachSubject, IsBatemansFunction) { expect_bateman<false>(); }
TEST(OdeOfEachSubject, IsBatemansFunctionByAStiffMethod) { expect_bateman<true>(); }
TEST(OdeOfEachSubject, HasTheGradientOfItsStepsInEveryKindOfLane) {
  expect_right_gradients(Bound<Doses<false>>(dose_data()), 0.4, {.differences = 1e-5});
  expect_right_gradients(Bound<Doses<true>>(dose_data()), 0.4, {.differences = 1e-5});
}

// One subject's is what m.ode gives alone; initial values and the start may be the same for all.
template <int what> struct OneSubject {
  Dim sample, patient, part;
  GroupIndex patient_of;
  Real hours;
  explicit OneSubject(Dataset& d)
      : sample(d.dim("sample")), patient(d.dim("patient")), part(d.dim("part", 2)), patient_of(d.index("patient_of", sample, patient)),
        hours(d.real("hours", sample)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", half_normal(1), part);
    const auto f = [&](auto t, auto a) { return derivatives(-p[0] * a[0] * t, p[0] * a[0] - p[1] * a[1]); };
    const auto of_each = [&](auto, auto t, auto a) { return f(t, a); };
    const auto sum = [&](const auto& z) { m.potential("sum", sample, [&](auto i) { return z(i, 0) - 2 * z(i, 1); }); };
    if constexpr (what == 0) {
      auto z = m.ode("z", sample, part, p, 0.25, hours, f);
      sum(z);
    } else if constexpr (what == 1) {
      auto z = m.ode("z", sample, part, patient_of, p, 0.25, hours, of_each);
      sum(z);
    } else if constexpr (what == 2) {
      auto z = m.ode("z", sample, part, patient_of, [&](auto k) { return p[k]; }, 0.25, hours, of_each, rk45());
      sum(z);
    } else {
      auto first = m.let("first", patient, part, [&](auto, auto k) { return p[k]; });
      auto z = m.ode("z", sample, part, patient_of, first, 0.25, hours, of_each);
      sum(z);
    }
  }
};
TEST(OdeOfEachSubject, IsTheSameAsAloneWhereThereIsOne) {
  Data data;
  data.set("patient_of", {1, 1, 1});
  data.set("hours", {0.5, 0.5, 4});
  data.set("patient", 1.);
  const Values at{0.3, -0.6};
  const Result alone = Bound<OneSubject<0>>(data).scalar(at);
  EXPECT_EQ(difference(Bound<OneSubject<1>>(data).scalar(at), alone), 0);
  EXPECT_EQ(difference(Bound<OneSubject<2>>(data).scalar(at), alone), 0);
  EXPECT_EQ(difference(Bound<OneSubject<3>>(data).scalar(at), alone), 0);
  Data none;
  none.set("patient_of", Values{});
  none.set("hours", Values{});
  none.set("patient", 0.);
  expect_right_gradients(Bound<OneSubject<1>>(none), 1);
}

TEST(OdeOfEachSubject, IsInDrawsAndInTheGraph) {
  const Fit fit = sample_prior<Doses<false>>(dose_data(), {.draws = 20, .seed = 3});
  const Values &ke = fit.variable("prior", "ke").values, &b = fit.variable("prior", "b").values, &left = fit.variable("prior", "left").values,
               &amount = fit.variable("prior", "amount").values;
  ASSERT_EQ(amount.size(), 20u * 12);
  for (std::size_t d = 0; d < 20; ++d) {   // of the last sample
    const double ka = std::exp(0.7 * b[2 * d] + 0.2 * b[2 * d + 1]), rate = ke[4 * d + 3];
    EXPECT_NEAR(amount[12 * d + 11], bateman(8, ka, rate, 6) + left[d] * std::exp(-6 * rate), 1e-7);
  }
  const Data data = dose_data();
  const DataViews views(data);
  const Edges edges = BoundModel<Doses<false>>(views.view()).graph();
  for (const char* from : {"b", "ke", "left", "dose", "given_at", "hours"}) EXPECT_TRUE(edges.count({from, "amount"})) << from;
}

// ---- mistakes ---------------------------------------------------------------------------------------------------------

enum class Mistake { none, index_along_another, start_along_another, initial_along_another, derivatives };
template <Mistake mistake> struct Mistaken {
  Dim sample, patient, part;
  GroupIndex patient_of, part_of;
  Real hours, starts, others;
  explicit Mistaken(Dataset& d)
      : sample(d.dim("sample")), patient(d.dim("patient")), part(d.dim("part", 2)), patient_of(d.index("patient_of", sample, patient)),
        part_of(d.index("part_of", part, patient)), hours(d.real("hours", sample)), starts(d.real("starts", patient)),
        others(d.real("others", part)) {}
  template <class M> void operator()(M& m) const {
    auto first = m.param("first", half_normal(1), mistake == Mistake::initial_along_another ? patient : part);
    auto z = m.ode("z", sample, part, mistake == Mistake::index_along_another ? part_of : patient_of, first,
                   mistake == Mistake::start_along_another ? others : starts, hours, [&](auto, auto, auto y) {
      if constexpr (mistake == Mistake::derivatives) return derivatives(y[0], y[1], y[0]);
      else return derivatives(-y[0], y[1]);
    });
    m.potential("sum", sample, [&](auto i) { return z(i, 0); });
  }
};
Data data_for_mistakes(const Values& whose = {1, 1, 2, 2, 2}, const Values& times = {1, 2, 1, 1.5, 3}) {
  Data data;
  data.set("patient_of", whose);
  data.set("part_of", {1, 2});
  data.set("hours", times);
  data.set("starts", {0.5, 1});
  data.set("others", {0, 0});
  return data;
}
template <Mistake mistake> void expect_mistake(const Data& data, const std::vector<std::string>& parts) {
  expect_model_error([&] { Bound<Mistaken<mistake>>{data}; }, parts);
}
TEST(OdeOfEachSubject, NamesMistakes) {
  EXPECT_NO_THROW(Bound<Mistaken<Mistake::none>>{data_for_mistakes()});
  expect_mistake<Mistake::none>(data_for_mistakes({1, 2, 1, 2, 2}), {"'z' has times of subject 1 at element 3", "Sort the data by subject"});
  expect_mistake<Mistake::none>(data_for_mistakes({1, 1, 2, 2, 2}, {1, 2, 1, 3, 1.5}), {"'z'", "time 1.5, element 5 of 'hours'", "after time 3"});
  expect_mistake<Mistake::none>(data_for_mistakes({1, 1, 2, 2, 2}, {1, 2, 0.75, 1, 2}), {"time 0.75, element 3", "after time 1, its start"});
  expect_mistake<Mistake::index_along_another>(data_for_mistakes(), {"'z'", "does not run along its times"});
  expect_mistake<Mistake::start_along_another>(data_for_mistakes(), {"'z' starts at times 'others'", "along its subjects"});
  expect_mistake<Mistake::initial_along_another>(data_for_mistakes(), {"'z'", "argument along another dimension"});
  expect_mistake<Mistake::derivatives>(data_for_mistakes(), {"'z' has 3 derivatives", "2 elements"});
}

}  // namespace
}  // namespace lockstep
