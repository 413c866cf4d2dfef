#include "models/garch_returns.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::garch_returns() { return model_table<models::GarchReturns>(); }

}  // namespace lockstep
