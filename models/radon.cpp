#include "models/radon.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::radon() { return model_table<models::Radon>(); }

}  // namespace lockstep
