#include "models/diamonds.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::diamonds() { return model_table<models::Diamonds>(); }

}  // namespace lockstep
