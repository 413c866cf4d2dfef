// Reading posteriordb, the public database of posteriors: https://github.com/stan-dev/posteriordb.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/agreement.hpp"
#include "lockstep/data.hpp"

namespace lockstep {

class Posteriordb {
 public:
  // `path` is a clone, or any folder laid out like one. Throws std::runtime_error if it is not.
  explicit Posteriordb(const std::filesystem::path& path);

  struct Posterior {
    std::string name, model, data;
    std::string reference;  // name of its reference draws; empty if it has none
  };
  const std::vector<Posterior>& posteriors() const { return posteriors_; }  // ordered by name

  // Throw std::runtime_error or DataError if the file is missing or makes no sense.
  Data data(const Posterior& posterior) const;
  Reference reference(const Posterior& posterior) const;

 private:
  std::filesystem::path folder_;
  std::vector<Posterior> posteriors_;
};

}  // namespace lockstep
