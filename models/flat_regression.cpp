#include "models/flat_regression.hpp"

#include "lockstep/model_table.hpp"
#include "models/zoo.hpp"

namespace lockstep {

const ModelTable* models::flat_regression() { return model_table<models::FlatRegression>(); }

}  // namespace lockstep
