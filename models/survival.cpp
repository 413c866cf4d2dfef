#include "models/survival.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::survival() { return model_table<models::Survival>(); }

}  // namespace lockstep
