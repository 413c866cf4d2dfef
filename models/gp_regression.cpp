#include "models/gp_regression.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::gp_regression() { return model_table<models::GpRegression>(); }

}  // namespace lockstep
