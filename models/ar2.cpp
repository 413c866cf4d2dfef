#include "models/ar2.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::ar2() { return model_table<models::Ar2>(); }

}  // namespace lockstep
