// What a fit says of new data, of what is done to its sites, or of its own data again.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "lockstep/sample.hpp"

namespace lockstep {

struct PredictOptions {
  // Elements of parameters that the fit has no draws of, as those of a new county: drawn from their prior given each draw of the
  // rest, or an error that lists them.
  bool sample_new_levels = false;
  std::uint64_t seed = 1;
  int threads = 0;                    // 0: all that the process may use
};

// Predictions, one for each draw of the fit's posterior. `fit`: with the groups posterior, observed_data and constant_data.
//
// `data`: new fields, labels, options, and what is done or observed. What is not there is the fit's; of fields along a dimension
// that is new, elements are the fit's if their labels are, and observed ones need not be there (their values have no say).
// Parameters' elements are matched by labels, by position where neither the fit nor the data have any.
//
// An element whose prior is another than in the fit, since what it reads is done or has changed, is drawn anew, from that
// prior given the draw, and so is all that depends on it; what is observed is always simulated, computed quantities are computed.
//
// Without anything new the result is the group posterior_predictive, of observed sites. Else it is predictions, of observed sites,
// computed quantities and what was drawn anew, and predictions_constant_data. Its dimensions are those of the new data.
//
// Throws SampleError: an option out of range, no posterior, a parameter without draws (it was not kept), or memory could not hold
// the result; DataError, ModelError.
Fit predict(const ModelTable& model, const Fit& fit, const Data& data = {}, const PredictOptions& options = {});

// The states that a model sums out (m.hidden_markov, m.mixture, m.latent, and distributions with labels: mixture, zero-inflated, hurdle),
// given the data: one path, or one state for each observation, drawn jointly for each draw of the fit's posterior. Group states, of a
// variable NAME_state for each observed site that has states of its own, or by the name of a latent or a chain, counted from 0; and of
// what the data lack of what depends on states, NAME_unobserved, given these. Throws SampleError if the model has no states, or as
// predict does.
Fit recover_states(const ModelTable& model, const Fit& fit, std::uint64_t seed = 1, int threads = 0);

// How extreme the data are in what the model would have simulated: the share of draws in which a statistic of the simulated
// observations is larger than that of the data, ties counted half (the posterior predictive p-value of Gelman, Meng & Stern
// 1996). Near 0 or 1, the model does not make data like these in that respect. `predictions` has the group posterior_predictive,
// `fit` observed_data; they may be the same. `statistic` gets the elements of an observed site that are not missing (NaN). Throws
// std::out_of_range if there is no such site, SampleError if the two have different sizes.
double predictive_p_value(const Fit& predictions, const Fit& fit, const std::string& site,
                          const std::function<double(std::span<const double>)>& statistic);

// Those for the mean, the standard deviation, the smallest and the largest element of every observed site, as a table.
std::string predictive_checks(const Fit& predictions, const Fit& fit);

// The data that a fit was made with, put together from its groups observed_data and constant_data and its attributes; what was
// done and observed too.
Data data_of(const ModelTable& model, const Fit& fit);

}  // namespace lockstep
