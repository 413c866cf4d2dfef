#include "models/irt_2pl.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::irt_2pl() { return model_table<models::Irt2pl>(); }

}  // namespace lockstep
