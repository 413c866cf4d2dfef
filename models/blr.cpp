#include "models/blr.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::blr() { return model_table<models::Blr>(); }

}  // namespace lockstep
