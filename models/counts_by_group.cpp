#include "models/counts_by_group.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::counts_by_group() { return model_table<models::CountsByGroup>(); }

}  // namespace lockstep
