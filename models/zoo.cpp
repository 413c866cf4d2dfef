// The models that come with the program. A row here and a header beside it make one.
#include "models/zoo.hpp"

#include "lockstep/sample.hpp"
#include "models/embedded.hpp"

namespace lockstep {

const std::vector<ZooModel>& zoo() {
  static const std::vector<ZooModel> models{
      {"ar_k", "autoregression of order K", models::ar_k},
      {"arma11", "autoregressive moving average", models::arma11},
      {"blr", "linear regression with weak priors", models::blr},
      {"diamonds", "linear regression, centred, with the priors of brms", models::diamonds},
      {"eight_schools", "eight parallel experiments, partially pooled", models::eight_schools},
      {"eight_schools_centered", "the same, in the form that diverges", models::eight_schools_centered},
      {"flat_regression", "normal linear regression, all priors flat", models::flat_regression},
      {"garch11", "variance that follows the series", models::garch11},
      {"gauss_mix", "mixture of two normals", models::gauss_mix},
      {"gp_regression", "Gaussian process, small", models::gp_regression},
      {"hmm", "hidden Markov model", models::hmm},
      {"irt_2pl", "item response, two-parameter logistic", models::irt_2pl},
      {"linear_regression", "normal linear regression", models::linear_regression},
      {"logistic_regression", "logistic regression", models::logistic_regression},
      {"lotka_volterra", "predator and prey, by differential equations", models::lotka_volterra},
      {"poisson_regression", "Poisson regression of counts over exposures", models::poisson_regression},
      {"radon", "hierarchical regression, varying intercepts", models::radon},
      {"std_normal", "independent standard normals", models::std_normal},
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
