#include "models/gauss_mix.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::gauss_mix() { return model_table<models::GaussMix>(); }

}  // namespace lockstep
