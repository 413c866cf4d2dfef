#include "models/garch11.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::garch11() { return model_table<models::Garch11>(); }

}  // namespace lockstep
