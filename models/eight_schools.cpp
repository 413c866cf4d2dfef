#include "models/eight_schools.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::eight_schools() { return model_table<models::EightSchools>(); }

}  // namespace lockstep
