#include "models/hmm.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::hmm() { return model_table<models::Hmm>(); }

}  // namespace lockstep
