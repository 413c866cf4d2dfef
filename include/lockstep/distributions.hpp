// All distributions.
#pragma once

#include "lockstep/distributions/bernoulli.hpp"
#include "lockstep/distributions/binomial.hpp"
#include "lockstep/distributions/cauchy.hpp"
#include "lockstep/distributions/gamma.hpp"
#include "lockstep/distributions/mixture.hpp"
#include "lockstep/distributions/multivariate.hpp"
#include "lockstep/distributions/negative_binomial.hpp"
#include "lockstep/distributions/normal.hpp"
#include "lockstep/distributions/uniform.hpp"
