// The zoo's models as tables of functions. Each is compiled on its own: one source file a model.
#pragma once

namespace lockstep {

struct ModelTable;

namespace models {
const ModelTable* ar_k();
const ModelTable* eight_schools();
const ModelTable* gauss_mix();
const ModelTable* linear_regression();
const ModelTable* radon();
const ModelTable* std_normal();
}  // namespace models

}  // namespace lockstep
