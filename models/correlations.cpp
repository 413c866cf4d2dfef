#include "models/correlations.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::correlations() { return model_table<models::Correlations>(); }

}  // namespace lockstep
