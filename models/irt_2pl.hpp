// Two-parameter logistic item response model: persons of ability theta answer items of discrimination a, difficulty b.
// Model and example data: posteriordb's "irt_2pl-irt_2pl"; Birnbaum (1968), "Some latent trait models".
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Irt2pl {
  Dim answer, item, person;
  GroupIndex item_of, person_of;
  Integer correct;  // 0 or 1

  explicit Irt2pl(Dataset& d)
      : answer(d.dim("answer")), item(d.dim("item")), person(d.dim("person")), item_of(d.index("item_of", answer, item)),
        person_of(d.index("person_of", answer, person)), correct(d.integer("correct", answer)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto sigma_theta = m.param("sigma_theta", half_cauchy(2));
    auto theta = m.param("theta", normal(0, sigma_theta), person);
    auto sigma_a = m.param("sigma_a", half_cauchy(2));
    auto a = m.param("a", lognormal(0, sigma_a), item);
    auto mu_b = m.param("mu_b", normal(0, 5));
    auto sigma_b = m.param("sigma_b", half_cauchy(2));
    auto b = m.param("b", normal(mu_b, sigma_b), item);
    m.observe("correct", correct, answer, [&](auto r) {
      return bernoulli_logit(a[item_of[r]] * (theta[person_of[r]] - b[item_of[r]]));
    });
  }
};

}  // namespace lockstep::models
