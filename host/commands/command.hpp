// What the commands of the program share: exit codes, printing, reading numbers, finding a model.
//
// Each command is a file of this folder; `add_NAME_command` puts it on the command line, help text and all, and its
// callback runs it. Whatever is wrong is an exception, which main() reports; a wrong command line is a UsageError.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "lockstep/sample.hpp"

namespace lockstep {

enum ExitCode { done = 0, failed = 1, wrong_usage = 2, stopped = 3, resumable = 4 };

class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A signal ended the work before its time.
class Interrupted : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The same, and `lockstep resume` goes on with it.
class Resumable : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

void add_build_command(CLI::App& app);
void add_centredness_command(CLI::App& app);
void add_check_command(CLI::App& app);
void add_devices_command(CLI::App& app);
void add_draws_command(CLI::App& app);
void add_conformance_command(CLI::App& app);
void add_graph_command(CLI::App& app);
void add_models_command(CLI::App& app);
void add_posterior_command(CLI::App& app);
void add_predict_command(CLI::App& app);
void add_prior_command(CLI::App& app);
// `arguments`: of the program; a checkpoint keeps them.
void add_sample_command(CLI::App& app, const std::vector<std::string>& arguments);
void add_resume_command(CLI::App& app);
void add_sbc_command(CLI::App& app);
void add_summary_command(CLI::App& app);

// ---------------------------------------------------------------- printing

// A table of means, sds and quantiles of the elements of a per-draw group.
std::string simulation_table(const Fit& fit, const Group& group);

// To stdout, and there at once. That its reader (head) has seen enough is no error. Throws std::runtime_error.
void print(const std::string& text);

// One line to stderr. Never throws: stderr may be a full disk as well.
void complain(const std::string& message) noexcept;

// ---------------------------------------------------------------- reading numbers

// All of the text is one whole number of that range, or it is refused.
template <class T>
T whole_number(const std::string& option, const std::string& text, T least, T most, bool or_auto) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && stop == end && value >= least && value <= most) return value;
  throw UsageError(fmt::format("{} is '{}' (a whole number from {} to {} is needed). Give one{}.", option, text, least,
                               most, or_auto ? ", or auto" : ""));
}

// A number between 0 and 1, both excluded, or it is refused; `usual` is what the message suggests.
double number_within_0_and_1(const std::string& option, const std::string& text, const std::string& usual);

// A count that the program may choose itself.
struct Count {
  const char* option;
  int least, most;
  int automatic;  // what stands for "choose" in SampleOptions
  std::string text = "auto";

  int value() const { return text == "auto" ? automatic : whole_number(option, text, least, most, true); }
};

// The name of a sampler; throws UsageError if there is none of that name.
std::string sampler_named(const std::string& option, const std::string& name);

// --target-accept: the mean acceptance that warmup chooses the step size for.
class TargetAcceptance {
 public:
  void add_to(CLI::App& command);
  double value() const;  // 0: the sampler's own. Throws UsageError

 private:
  std::string text_ = "auto";
};

// ---------------------------------------------------------------- lists

// "a,b" as {"a", "b"}. Throws UsageError for one that has an empty name in it.
std::vector<std::string> comma_list(const std::string& option, const std::string& text);

// ---------------------------------------------------------------- models

// The model that a user named: one of the zoo, or a file, which is compiled on first use. Throws UsageError if it is
// neither, BuildError if it does not compile.
class NamedModel {
 public:
  // Refuses a name that is neither.
  explicit NamedModel(const std::string& name);
  const std::string& name() const { return name_; }
  std::string stem() const { return std::filesystem::path(name_).stem().string(); }
  // With what a run may need of it: a model of one's own is compiled for a GPU if there is one, or if one is asked for.
  ModelTable table(Processor processor = Processor::cpu, Precision precision = Precision::fp64) const;
  // From `files`; if there are none, the zoo model's example data. A model of one's own may need none: if it does,
  // binding them says which field is missing.
  Data data(const std::vector<std::string>& files) const;

 private:
  std::string name_;
};

// --init: where chains start, and what its text means. Throws UsageError, DataError.
void add_init_option(CLI::App& command, std::string& text);
Init parse_init(const std::string& text);

// --device, --geometry and --precision: what the chains run on.
class DeviceInput {
 public:
  void add_to(CLI::App& command);
  // Into `options.processor`, `gpus`, `geometry` and `precision`. Throws UsageError.
  void read(SampleOptions& options) const;

 private:
  std::string device_ = "auto", geometry_ = "auto", precision_ = "double";
};

// What all commands that take --out refuse. `given`: the option is there. Throws UsageError.
void require_name(bool given, const std::string& out);
void require_free(const std::string& out, bool overwrite);

// --out and --overwrite: where results go. Nothing that is there is lost, unless the user says so.
class ResultsInput {
 public:
  // `stem`: how the default's name is described, as MODEL.
  void add_to(CLI::App& command, const std::string& stem);
  bool given() const { return option_->count() > 0; }
  bool overwrite() const { return overwrite_; }
  // Default: STEM.nc, or the first of STEM-2.nc, ... that is free. `inputs`: files that may not be overwritten. Throws UsageError
  // if the file could not be written: before the work, not after it.
  std::filesystem::path file(const std::string& stem, const std::vector<std::string>& inputs) const;

 private:
  std::string out_;
  bool overwrite_ = false;
  CLI::Option* option_ = nullptr;
};

// The options of a command by which a user gives a model its data and its options.
class ModelInput {
 public:
  // `otherwise`: what the data are if none are given.
  void add_to(CLI::App& command, const std::string& otherwise = "the model's example data");
  const std::vector<std::string>& files() const { return files_; }
  // Throws UsageError, DataError.
  Data read(const NamedModel& model) const { return read([&] { return model.data(files_); }); }
  // Only what is given.
  Data read_given() const { return read([&] { return Data::from_files({files_.begin(), files_.end()}); }); }

 private:
  Data read(const std::function<Data()>& from_files) const;

  std::vector<std::string> files_, settings_, done_, observed_;
};

}  // namespace lockstep
