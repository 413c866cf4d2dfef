#include "models/ordinal.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::ordinal() { return model_table<models::Ordinal>(); }

}  // namespace lockstep
