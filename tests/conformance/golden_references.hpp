// Reference summaries that are committed: posteriordb's, and those of long Stan runs.
#pragma once

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "host/agreement.hpp"

namespace lockstep {

// By posterior. `file` is one of tests/golden, as made by make_references.py.
inline std::map<std::string, Reference> golden_references(const std::string& file) {
  const auto json = nlohmann::json::parse(std::ifstream(std::string(LOCKSTEP_SOURCE_DIR "/tests/golden/") + file));
  std::map<std::string, Reference> all;
  for (const auto& [posterior, scalars] : json.at("posteriors").items())
    for (const auto& [name, s] : scalars.items()) {
      ScalarReference reference{s.at("mean"), s.at("se_mean"), s.at("sd"), s.at("se_sd"), {}};
      for (const auto& q : s.at("quantiles")) reference.quantiles.push_back({q.at("p"), q.at("value"), q.at("ess")});
      all[posterior][name] = reference;
    }
  return all;
}

}  // namespace lockstep
