#include "models/volatility_regimes.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::volatility_regimes() { return model_table<models::VolatilityRegimes>(); }

}  // namespace lockstep
