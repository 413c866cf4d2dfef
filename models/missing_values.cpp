#include "models/missing_values.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::missing_values() { return model_table<models::MissingValues>(); }

}  // namespace lockstep
