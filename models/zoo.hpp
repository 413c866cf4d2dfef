// The zoo's models as tables of functions. Each is compiled on its own: one source file a model.
#pragma once

namespace lockstep {

struct ModelTable;

namespace models {
const ModelTable* ar2();
const ModelTable* ar_k();
const ModelTable* arma11();
const ModelTable* blr();
const ModelTable* correlations();
const ModelTable* counts_by_group();
const ModelTable* diamonds();
const ModelTable* eight_schools();
const ModelTable* eight_schools_centered();
const ModelTable* excess_zeros();
const ModelTable* flat_regression();
const ModelTable* garch11();
const ModelTable* garch_returns();
const ModelTable* gauss_mix();
const ModelTable* gp_regression();
const ModelTable* hmm();
const ModelTable* irt_2pl();
const ModelTable* linear_regression();
const ModelTable* logistic_growth();
const ModelTable* logistic_regression();
const ModelTable* lotka_volterra();
const ModelTable* missing_values();
const ModelTable* ordinal();
const ModelTable* outliers();
const ModelTable* poisson_regression();
const ModelTable* radon();
const ModelTable* shares();
const ModelTable* std_normal();
const ModelTable* survival();
const ModelTable* volatility_regimes();
}  // namespace models

}  // namespace lockstep
