#include "models/logistic_regression.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::logistic_regression() { return model_table<models::LogisticRegression>(); }

}  // namespace lockstep
