#include "models/eight_schools_centered.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::eight_schools_centered() { return model_table<models::EightSchoolsCentered>(); }

}  // namespace lockstep
