#include "host/posteriordb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "host/zip_file.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& file, const std::string& problem) {
  throw std::runtime_error(fmt::format("'{}' cannot be used ({}). Get the file again.", file.string(), problem));
}

std::string text_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Posteriordb::Posterior read_posterior(const fs::path& file) {
  std::ifstream stream(file);
  const nlohmann::json json = nlohmann::json::parse(stream, nullptr, false);
  if (!json.is_object()) refuse(file, "it is no JSON object");
  Posteriordb::Posterior posterior{text_of(json, "name"), text_of(json, "model_name"), text_of(json, "data_name"),
                                   text_of(json, "reference_posterior_name")};
  if (posterior.name.empty() || posterior.model.empty() || posterior.data.empty())
    refuse(file, "it lacks a name, a model_name or a data_name");
  return posterior;
}

}  // namespace

Posteriordb::Posteriordb(const fs::path& path)
    : folder_(fs::is_directory(path / "posterior_database") ? path / "posterior_database" : path) {
  if (!fs::is_directory(folder_ / "posteriors"))
    throw std::runtime_error(fmt::format("'{}' is no posteriordb (it has no folder posterior_database/posteriors). Name a "
                                         "clone of it.", path.string()));
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_ / "posteriors"))
    if (entry.path().extension() == ".json") posteriors_.push_back(read_posterior(entry.path()));
  std::sort(posteriors_.begin(), posteriors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

Data Posteriordb::data(const Posterior& posterior) const {
  const fs::path file = folder_ / "data" / "data" / (posterior.data + ".json.zip");
  return Data::from_json(read_zipped(file, posterior.data + ".json"), file.string());
}

// [{"mu": [...], "theta[1]": [...]}, ...], chain after chain.
Reference Posteriordb::reference(const Posterior& posterior) const {
  const fs::path file = folder_ / "reference_posteriors" / "draws" / "draws" / (posterior.reference + ".json.zip");
  const nlohmann::json chains = nlohmann::json::parse(read_zipped(file, posterior.reference + ".json"), nullptr, false);
  if (!chains.is_array() || chains.empty() || !chains[0].is_object()) refuse(file, "it is no array of chains");
  Reference reference;
  try {
    for (const auto& [name, first] : chains[0].items()) {
      std::vector<double> draws;
      for (const nlohmann::json& chain : chains)
        for (const nlohmann::json& value : chain.at(name)) draws.push_back(value.get<double>());
      const std::size_t length = first.size();
      if (length < 4 || draws.size() != chains.size() * length) refuse(file, "its chains differ in length, or are too short");
      reference[name] = summarise_reference(ChainView{draws.data(), chains.size(), length, length, 1});
    }
  } catch (const nlohmann::json::exception& error) {
    refuse(file, error.what());
  }
  return reference;
}

}  // namespace lockstep
