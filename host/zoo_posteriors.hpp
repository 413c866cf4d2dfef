// Which of posteriordb's models are in the zoo, how their data become ours, and what their parameters are called here.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "host/agreement.hpp"
#include "lockstep/data.hpp"

namespace lockstep {

struct ZooPosterior {
  const char* model;                                         // as posteriordb calls it
  const char* zoo;
  std::function<Data(const Data&)> data;
  std::vector<std::pair<std::string, std::string>> renamed;  // how a name begins there, and here
  // Chains start uniformly within it. Smaller than usual where a start further out finds regions that it does not leave.
  double start_range = 2;

  std::vector<Counterpart> counterparts(const Reference& reference) const;
};

// Null if the zoo has no such model.
const ZooPosterior* find_zoo_posterior(const std::string& posteriordb_model);

}  // namespace lockstep
