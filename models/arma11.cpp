#include "models/arma11.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::arma11() { return model_table<models::Arma11>(); }

}  // namespace lockstep
