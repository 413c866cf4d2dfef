// What one fit has learnt, as the prior of the next model: a multivariate normal distribution of parameters, on the real line.
//
//   prior_from_posterior(data, "before", fit, {"mu", "log(sigma)"});       data for a model that says d.posterior("before", ...)
//
// On the command line: lockstep posterior FIT --vars 'mu,log(sigma)' --name before --out before.json. As PyMC's prior_from_idata.
#pragma once

#include <string>
#include <vector>

#include "lockstep/data.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// Adds to `data` the dimension NAME, labelled by quantities, and the fields NAME_mean and NAME_factor: the mean of the posterior's
// draws, and the lower Cholesky factor of their covariance. A quantity is a site of the posterior, with all its elements, `beta`;
// or the logarithm of one that is positive, `log(sigma)`, or the log odds of one between 0 and 1, `logit(p)`. An element's label
// is `beta[age]`, by the label of its dimension, or its number from 0. What is not normal in the posterior is lost; what is, is as
// exact as the draws are many. Throws SampleError: no such site, a draw that is not finite on the line, no more draws than
// quantities, one that others determine; DataError if the data have the fields.
void prior_from_posterior(Data& data, const std::string& name, const Fit& fit, const std::vector<std::string>& quantities);

}  // namespace lockstep
