#include "models/std_normal.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::std_normal() { return model_table<models::StdNormal>(); }

}  // namespace lockstep
