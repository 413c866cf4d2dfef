// The models that come with the program. A row here and a header beside it make one.
#include "models/zoo.hpp"

#include "lockstep/sample.hpp"
#include "models/embedded.hpp"

namespace lockstep {

const std::vector<ZooModel>& zoo() {
  static const std::vector<ZooModel> models{
      {"ar2", "autoregression of order two, with priors that keep it stable", models::ar2, true},
      {"ar_k", "autoregression of order K", models::ar_k},
      {"arma11", "autoregressive moving average", models::arma11},
      {"blr", "linear regression with weak priors", models::blr, true},
      {"correlations", "correlation matrix of several variables", models::correlations, true},
      {"counts_by_group", "negative binomial counts in partially pooled groups", models::counts_by_group, true},
      {"diamonds", "linear regression, centred, with the priors of brms", models::diamonds},
      {"eight_schools", "eight parallel experiments, partially pooled", models::eight_schools, true},
      {"eight_schools_centered", "the same, in the form that diverges", models::eight_schools_centered},
      {"excess_zeros", "counts with more zeros than Poisson's", models::excess_zeros, true},
      {"flat_regression", "normal linear regression, all priors flat", models::flat_regression},
      {"garch11", "variance that follows the series", models::garch11},
      {"garch_returns", "variance that follows the series, with proper priors", models::garch_returns, true},
      {"gauss_mix", "mixture of two normals", models::gauss_mix},
      {"gp_regression", "Gaussian process, small", models::gp_regression, true},
      {"hmm", "hidden Markov model", models::hmm},
      {"irt_2pl", "item response, two-parameter logistic", models::irt_2pl},
      {"linear_regression", "normal linear regression", models::linear_regression},
      {"logistic_growth", "growth that its own size slows down, by a differential equation", models::logistic_growth, true},
      {"logistic_regression", "logistic regression", models::logistic_regression},
      {"lotka_volterra", "predator and prey, by differential equations", models::lotka_volterra},
      {"missing_values", "regression with gaps in its data, which are imputed", models::missing_values, true},
      {"ordinal", "answers in ordered categories", models::ordinal, true},
      {"outliers", "regression with outliers, by a mixture", models::outliers, true},
      {"poisson_regression", "Poisson regression of counts over exposures", models::poisson_regression},
      {"radon", "hierarchical regression, varying intercepts", models::radon},
      {"shares", "a simplex, of which counts are observed", models::shares, true},
      {"std_normal", "independent standard normals", models::std_normal},
      {"survival", "survival times, some of them censored", models::survival, true},
      {"volatility_regimes", "hidden Markov model of calm and turbulent times", models::volatility_regimes, true},
  };
  return models;
}

const ZooModel* find_zoo_model(const std::string& name) {
  for (const ZooModel& model : zoo())
    if (name == model.name) return &model;
  return nullptr;
}

Data example_data(const ZooModel& model) {
  std::size_t count = 0;
  const EmbeddedFile* files = embedded_files(count);
  for (std::size_t i = 0; i < count; ++i)
    if (files[i].name == model.name) return Data::from_json(std::string(files[i].text), "models/data/" + std::string(model.name) + ".json");
  throw DataError("model '" + std::string(model.name) + "' has no example data (none was compiled in). Give a file with --data.");
}

}  // namespace lockstep
