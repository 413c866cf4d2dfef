#include "models/excess_zeros.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::excess_zeros() { return model_table<models::ExcessZeros>(); }

}  // namespace lockstep
