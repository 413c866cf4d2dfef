#include "models/shares.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::shares() { return model_table<models::Shares>(); }

}  // namespace lockstep
