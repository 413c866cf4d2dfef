#include "models/lotka_volterra.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::lotka_volterra() { return model_table<models::LotkaVolterra>(); }

}  // namespace lockstep
