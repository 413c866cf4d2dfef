#include "models/std_normal.hpp"

#include "kernels/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::std_normal() { return model_table<models::StdNormal>(); }

}  // namespace lockstep
