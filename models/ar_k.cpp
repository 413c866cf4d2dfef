#include "models/ar_k.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::ar_k() { return model_table<models::ArK>(); }

}  // namespace lockstep
