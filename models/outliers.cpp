#include "models/outliers.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::outliers() { return model_table<models::Outliers>(); }

}  // namespace lockstep
