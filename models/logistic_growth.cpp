#include "models/logistic_growth.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::logistic_growth() { return model_table<models::LogisticGrowth>(); }

}  // namespace lockstep
