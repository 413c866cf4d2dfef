// How far each element of a hierarchy should be centred, found from short runs.
#pragma once

#include "lockstep/sample.hpp"

namespace lockstep {

struct CentrednessOptions {
  int rounds = 3;                     // each is a run, with what the one before it has found
  int chains = 16, draws = 100;       // of a run
  std::uint64_t seed = 1;
  int threads = 0;                    // 0: all that the process may use. The result does not depend on it
};

// Data for each parameter of the model that is partially_centred by Dataset::centredness: the field NAME_centredness, between 0 and
// 1 for each element, to be added to `data`. Where there are such data already, the search starts from them. Of an element with
// location mu and scale tau it is the c for which its coordinate c mu + tau^(c - 1) (theta - mu) leaves the posterior nearest to
// independent: the logarithm of the coordinate's sd plus (1 - c) E log tau is least, which is the entropy of a normal with that
// variance, in the place of theta's. (It is the objective of Gorinova, Moore & Hoffman 2020 with the divergence from the posterior,
// which draws give, in the place of the divergence from the approximation, which they optimise.) Throws SampleError if there is no
// such parameter, or as sample does.
Data choose_centredness(const ModelTable& model, const Data& data, const CentrednessOptions& options = {});

}  // namespace lockstep
