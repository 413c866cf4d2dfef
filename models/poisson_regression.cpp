#include "models/poisson_regression.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::poisson_regression() { return model_table<models::PoissonRegression>(); }

}  // namespace lockstep
