#include "models/linear_regression.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::linear_regression() { return model_table<models::LinearRegression>(); }

}  // namespace lockstep
