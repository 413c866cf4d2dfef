#include "host/commands/command.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "host/plugin.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

namespace fs = std::filesystem;

void print(const std::string& text) {
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written || errno == EPIPE) return;
  throw std::runtime_error(fmt::format("The output could not be written ({}). Free some space, or send it elsewhere.",
                                       std::strerror(errno)));
}

void complain(const std::string& message) noexcept { std::fprintf(stderr, "lockstep: %s\n", message.c_str()); }

std::vector<std::string> comma_list(const std::string& option, const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    names.push_back(text.substr(begin, end - begin));
    if (names.back().empty())
      throw UsageError(fmt::format(
          "{} is '{}' (names with commas between them are needed, without blanks). Give some, such as mu,tau.", option,
          text));
    begin = end + 1;
  }
  return names;
}

namespace {

// A path rather than a name of the zoo: it has a folder or an ending.
bool is_model_file(const std::string& model) {
  const fs::path path(model);
  return path.has_parent_path() || path.has_extension();
}

std::string no_such_model(const std::string& model) {
  std::string names;
  for (const ZooModel& each : zoo()) names += (names.empty() ? "" : ", ") + std::string(each.name);
  return fmt::format("There is no model '{}' (the zoo has: {}). Choose one of these, or name a model file: ./{}.hpp.", model, names, model);
}

}  // namespace

NamedModel::NamedModel(const std::string& name) : name_(name) {
  if (!find_zoo_model(name) && !is_model_file(name)) throw UsageError(no_such_model(name));
}

const ModelTable& NamedModel::table() const {
  const ZooModel* zoo_model = find_zoo_model(name_);
  return zoo_model ? *zoo_model->table() : load_model(name_, complain);
}

Data NamedModel::data(const std::string& file) const {
  if (!file.empty()) return Data::from_json_file(file);
  const ZooModel* zoo_model = find_zoo_model(name_);
  return zoo_model ? example_data(*zoo_model) : Data();
}

}  // namespace lockstep
