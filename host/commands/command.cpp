#include "host/commands/command.hpp"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <system_error>
#include <tuple>

#include "host/diagnostics.hpp"
#include "host/partial_file.hpp"
#include "host/plugin.hpp"
#include "host/samplers.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/geometry.hpp"
#include "lockstep/model_table.hpp"
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

std::string simulation_table(const Fit& fit, const Group& group) {
  std::string text = fmt::format("{:<28} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "", "mean", "sd", "q5", "median", "q95");
  Diagnoser diagnose;
  for (const Variable& variable : group.variables) {
    const std::vector<std::string> names = element_names(fit, variable);
    for (std::size_t e = 0; e < variable.size(); ++e) {
      const Diagnosis d = diagnose(element_view(fit, variable, e));
      text += fmt::format("{:<28} {:>10.4g} {:>10.4g} {:>10.4g} {:>10.4g} {:>10.4g}\n", names[e], d.mean, d.sd, d.q5, d.median, d.q95);
    }
  }
  return text;
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

ModelTable NamedModel::table(Processor processor, Precision precision) const {
  const ZooModel* zoo_model = find_zoo_model(name_);
  ModelTable table = zoo_model ? *zoo_model->table() : load_model(name_, complain);
  const bool wanted = processor == Processor::cuda || (processor == Processor::automatic && cuda_status().unavailable.empty());
  if (!wanted) return table;
  const bool mixed = in_singles(precision);
  if (zoo_model) table.cuda = cuda_zoo_table(name_, mixed);
  else if (cuda_status().unavailable.empty())
    table.cuda = &load_cuda_plugin(build_model(name_, complain, mixed ? PluginKind::cuda_mixed : PluginKind::cuda));
  return table;
}

Data NamedModel::data(const std::vector<std::string>& files) const {
  if (!files.empty()) return Data::from_files({files.begin(), files.end()});
  const ZooModel* zoo_model = find_zoo_model(name_);
  return zoo_model ? example_data(*zoo_model) : Data();
}

namespace {

// All of the text is one finite number; else none.
std::optional<double> finite_number(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

// NAME=VALUE.
std::pair<std::string, double> parse_setting(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError(fmt::format("--set is '{}' (an option of the model and its value are needed). Write --set NAME=VALUE.",
                                 text));
  const std::string name = text.substr(0, equals), value = text.substr(equals + 1);
  if (value == "true") return {name, 1};
  if (value == "false") return {name, 0};
  if (const std::optional<double> number = finite_number(value)) return {name, *number};
  throw UsageError(fmt::format("--set {} is '{}' (a number, true or false is needed). Give one.", name, value));
}

}  // namespace

void add_init_option(CLI::App& command, std::string& text) {
  command
      .add_option("--init", text,
                  "Where chains start. X: uniform on (-X, X) in the unconstrained\n"
                  "coordinates, 0: all zero; prior: draws from the prior; FILE: values of\n"
                  "parameters by name (JSON), the rest as with 2. Default: 2")
      ->option_text("X|prior|FILE");
}

Init parse_init(const std::string& text) {
  if (text.empty()) throw UsageError("--init is empty (a number, prior or a file is needed). Give one, or leave it out.");
  if (text == "prior") return InitPrior{};
  double range = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, range);
  if (error == std::errc::invalid_argument || stop != end) return Data::from_file(text);
  if (error != std::errc() || !std::isfinite(range) || range < 0)
    throw UsageError(fmt::format("--init is '{}' (a number is the range of uniform starts: 0 or more). Give such a one, prior, or a file.", text));
  return InitUniform{range};
}

void DeviceInput::add_to(CLI::App& command) {
  command
      .add_option("--device", device_,
                  "What the chains run on; cuda:0,2 for some GPUs only. auto: all GPUs, else the\n"
                  "CPU (see: lockstep devices)")
      ->option_text("auto|cpu|cuda");
  command
      .add_option("--geometry", geometry_,
                  "Chains of a team x threads that share their data, as 32x4. On the CPU a team is a\n"
                  "pack (see: lockstep devices). auto: by the shapes of chains, data and GPU")
      ->option_text("LxS|auto");
  command
      .add_option("--precision", precision_,
                  "What gradients are computed in. mixed: singles, with sums in doubles; tf32: and\n"
                  "matrix products by a GPU's tensor cores. What that costs is measured and said.\n"
                  "Default: double")
      ->option_text("double|mixed|tf32");
}

std::string sampler_named(const std::string& option, const std::string& name) {
  if (!find_sampler(name)) throw UsageError(fmt::format("{} is '{}' (there are {}). Choose one of these.", option, name, sampler_names()));
  return name;
}

void TargetAcceptance::add_to(CLI::App& command) {
  std::string own;
  for (const Sampler* each : samplers()) own += fmt::format("{}{} for {}", own.empty() ? "" : ", ", each->target_acceptance, each->name);
  command
      .add_option("--target-accept", text_,
                  fmt::format("The mean acceptance that warmup aims at. Nearer to 1: smaller steps, with fewer\n"
                              "divergences and more gradients. auto: the sampler's own\n({})", own))
      ->option_text("P|auto");
}

double number_within_0_and_1(const std::string& option, const std::string& text, const std::string& usual) {
  const std::optional<double> number = finite_number(text);
  if (!number || *number <= 0 || *number >= 1)
    throw UsageError(fmt::format("{} is '{}' (a number between 0 and 1 is needed). Give {}.", option, text, usual));
  return *number;
}

double TargetAcceptance::value() const {
  return text_ == "auto" ? 0 : number_within_0_and_1("--target-accept", text_, "0.95, say, or auto");
}

void DeviceInput::read(SampleOptions& options) const {
  options.geometry = geometry_;
  try {
    if (geometry_ != "auto") parse_geometry(geometry_);
  } catch (const std::invalid_argument& e) {
    throw UsageError(fmt::format("--geometry: {}", e.what()));
  }
  const std::optional<Precision> precision = precision_named(precision_);
  if (!precision) throw UsageError(fmt::format("--precision is '{}' (there are double, mixed and tf32). Choose one of these.", precision_));
  options.precision = *precision;
  if (precision == Precision::tf32 && device_ == "cpu")
    throw UsageError("--precision is tf32 and --device cpu (matrix products by tensor cores are a GPU's). Ask for mixed.");
  if (device_ == "auto") return;
  options.processor = device_ == "cpu" ? Processor::cpu : Processor::cuda;
  if (device_ == "cpu" || device_ == "cuda") return;
  if (!device_.starts_with("cuda:"))
    throw UsageError(fmt::format("--device is '{}' (there are auto, cpu, cuda and cuda:N,...). Choose one of these.", device_));
  for (const std::string& number : comma_list("--device", device_.substr(5)))
    options.gpus.push_back(whole_number<int>("--device cuda:", number, 0, 1023, false));
}

void ResultsInput::add_to(CLI::App& command, const std::string& stem) {
  option_ = command
                .add_option("--out", out_,
                            fmt::format("Results file (NetCDF, for ArviZ). Default: {0}.nc, or the first of\n"
                                        "{0}-2.nc, {0}-3.nc, ... that is free. A FILE that is there is refused", stem))
                ->option_text("FILE");
  command.add_flag("--overwrite", overwrite_, fmt::format("Replace FILE, or {}.nc, if it is there", stem));
}

namespace {

// What file systems take, less what is added to it while the file is written.
constexpr std::size_t longest_name = 220;

void require_writable(const fs::path& file) {
  const auto refuse = [&](const std::string& why, const std::string& suggestion) {
    throw UsageError(fmt::format("The results cannot be written to '{}' ({}). {}", file.string(), why, suggestion));
  };
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (fs::is_directory(status)) refuse("it is a folder", "Name a file in it with --out.");
  if (fs::exists(status) && !fs::is_regular_file(status)) refuse("it is no ordinary file", "Name one with --out.");
  if (file.filename().native().size() > longest_name)
    refuse(fmt::format("its name is longer than {} bytes", longest_name), "Choose a shorter one with --out.");
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  if (!fs::is_directory(folder, error)) refuse("its folder does not exist", "Make it first, or name another with --out.");
  if (access(folder.c_str(), W_OK | X_OK) != 0)
    refuse(std::strerror(errno), "Name a file in a folder that you may write to with --out.");
}

}  // namespace

// An empty name is a shell variable that is not set, not a wish for the default.
void require_name(bool given, const std::string& out) {
  if (given && out.empty()) throw UsageError("--out is empty (it takes the name of a file). Give one, or leave it out.");
}

void require_free(const std::string& out, bool overwrite) {
  if (std::error_code error; !overwrite && fs::exists(out, error))
    throw UsageError(fmt::format("--out is '{}' (there is such a file, and it would be lost). Name another, or add --overwrite.", out));
}

fs::path ResultsInput::file(const std::string& stem, const std::vector<std::string>& inputs) const {
  require_name(option_->count() > 0, out_);
  const fs::path wanted = out_.empty() ? stem + ".nc" : out_;
  require_writable(wanted);
  for (const std::string& input : inputs)
    if (std::error_code error; (overwrite_ || !out_.empty()) &&
                               (fs::equivalent(wanted, input, error) || fs::equivalent(wanted, input.substr(0, input.rfind('#')), error)))
      throw UsageError(fmt::format("The results would be written to '{}' (the data are in it, and would be lost). Name another file with --out.",
                                   wanted.string()));
  if (overwrite_) return wanted;
  if (out_.empty()) return free_name(wanted);
  require_free(out_, overwrite_);
  return wanted;
}

void ModelInput::add_to(CLI::App& command, const std::string& otherwise) {
  command
      .add_option("--data", files_,
                  "Data: JSON in CmdStan's conventions, a CSV table (columns are fields),\n"
                  "HDF5 or NetCDF-4 (variables are fields; FILE#GROUP for a group).\n"
                  "Several --data are put together. Default: " + otherwise)
      ->option_text("FILE")
      ->allow_extra_args(false);
  for (const auto& [option, texts, what] :
       {std::tuple("--do", &done_, "Give a site its values and take away its density, such as --do tau=2 or\n"
                                   "--do theta=@file.json (its field theta); or replace a field. May be repeated"),
        std::tuple("--observe", &observed_, "Give a site its values and keep its density; likewise")})
    command.add_option(option, *texts, what)->option_text("SITE=VALUES")->allow_extra_args(false);
  command.add_option("--set", settings_, "An option of the model, such as --set K=5; may be repeated")
      ->option_text("NAME=VALUE")
      ->allow_extra_args(false);
}

namespace {

// SITE=1.5, SITE=1,2,3, or SITE=@FILE, which has a field of that name.
std::pair<std::string, std::vector<double>> parse_action(const char* option, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw UsageError(fmt::format("{} is '{}' (a site and its values are needed). Write {} SITE=VALUE, or SITE=@FILE.", option, text, option));
  const std::string site = text.substr(0, equals), values = text.substr(equals + 1);
  if (values.starts_with('@')) {
    const Data file = Data::from_file(values.substr(1));
    const auto field = file.fields().find(site);
    if (field == file.fields().end())
      throw DataError(fmt::format("'{}' has no field '{}' (which {} takes from it). Name the values so.", values.substr(1), site, option));
    return {site, field->second.values};
  }
  std::vector<double> numbers;
  for (const std::string& each : comma_list(option, values)) {
    const std::optional<double> number = finite_number(each);
    if (!number)
      throw UsageError(fmt::format("{} gives '{}' the value '{}' (numbers are needed, with commas between them, or @FILE). Give such.", option,
                                   site, each));
    numbers.push_back(*number);
  }
  return {site, numbers};
}

}  // namespace

Data ModelInput::read(const std::function<Data()>& from_files) const {
  for (const std::string& file : files_)
    if (file.empty()) throw UsageError("--data is empty (it takes the name of a file). Give one, or leave it out.");
  std::map<std::string, double> options;
  for (const std::string& text : settings_) {
    const auto [name, value] = parse_setting(text);
    if (!options.emplace(name, value).second)
      throw UsageError(fmt::format("--set gives '{}' twice (an option has one value). Leave one out.", name));
  }
  Data data = from_files();
  for (const auto& [name, value] : options) data.set_option(name, value);
  for (const std::string& text : done_) {
    const auto [site, values] = parse_action("--do", text);
    data.set_do(site, values);
  }
  for (const std::string& text : observed_) {
    const auto [site, values] = parse_action("--observe", text);
    data.set_observed(site, values);
  }
  return data;
}

}  // namespace lockstep
