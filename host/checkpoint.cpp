#include "host/checkpoint.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <link.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>

#include "host/hash.hpp"
#include "host/partial_file.hpp"
#include "host/stopping_rule.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> magic{'L', 'O', 'C', 'K', 'C', 'K', 'P', 'T'};
constexpr std::uint32_t format_version = 4;

template <class T>
std::span<const char> bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// What the file has between its head and its checksum.
Archive read_checkpoint(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw SampleError(fmt::format(
        "There is no checkpoint '{}' (it does not exist, or may not be read). A run has none before its first "
        "interval is over, or once it is finished.",
        path.string()));
  std::array<char, 8> found_magic{};
  std::uint32_t version = 0;
  std::uint64_t size = 0, found_checksum = 0;
  const auto read = [&](auto& value) { file.read(reinterpret_cast<char*>(&value), sizeof value); };
  read(found_magic);
  if (!file || found_magic != magic)
    throw SampleError(
        fmt::format("'{}' is no checkpoint (it does not begin as one does). Check its name.", path.string()));
  read(version);
  if (file && version != format_version)
    throw SampleError(fmt::format(
        "'{}' is a checkpoint of another version of lockstep (its format is {}, this program's {}). Go on with that.",
        path.string(), version, format_version));
  read(size);
  std::vector<char> bytes;
  if (file) bytes.assign(std::istreambuf_iterator<char>(file), {});
  const bool complete = bytes.size() == size + sizeof found_checksum && size < bytes.size();
  if (complete) {
    std::memcpy(&found_checksum, bytes.data() + size, sizeof found_checksum);
    bytes.resize(size);
  }
  if (!complete || checksum(bytes) != found_checksum)
    throw SampleError(fmt::format("The checkpoint '{}' is damaged ({}). The run must be made again.", path.string(),
                                  complete ? "its checksum is wrong" : "it is not of the size that it should have"));
  return Archive(std::move(bytes));
}

// The file that has this code: the program, or a shared library. What is in it decides about bits.
std::string file_with(const void* code) {
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(code, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0 || !map) return "unknown";
  std::ifstream file(*map->l_name ? map->l_name : "/proc/self/exe", std::ios::binary);
  Hash hash;
  std::vector<char> some(std::size_t{1} << 20);
  while (file.read(some.data(), std::streamsize(some.size())), file.gcount() > 0)
    hash.add_bytes({some.data(), std::size_t(file.gcount())});
  return hash.text();
}

std::string text_of(const Data& data) {
  Hash hash;
  const auto add_values = [&](const std::vector<double>& values) {
    hash.add_bytes(bytes_of(values.size()));
    hash.add_bytes({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)});
  };
  for (const auto& [name, field] : data.fields()) {
    hash.add(name);
    hash.add(fmt::format("{} {}", fmt::join(field.shape, " "), field.columns));
    add_values(field.values);
  }
  for (const auto& [dim, labels] : data.labels()) {
    hash.add(dim);
    for (const std::string& each : labels) hash.add(each);
  }
  for (const auto& [name, value] : data.options()) hash.add(name), add_values({value});
  for (const auto& [site, action] : data.actions())
    hash.add(site), hash.add(action.keeps_density ? "observe" : "do"), add_values(action.values);
  return hash.text();
}

std::string text_of(const Init& init) {
  if (const auto* uniform = std::get_if<InitUniform>(&init)) return fmt::format("{}", uniform->range);
  if (const auto* values = std::get_if<Data>(&init)) return "values " + text_of(*values);
  return "prior";
}

constexpr const char *on_gpu = "GPU", *on_cpu = "CPU";
using Identity = Checkpoint::Identity;

// By the names of SampleOptions. Not those that change no draw and no statistic: threads, how many GPUs there are, and what is
// called while it runs.
Identity identity_of(const HostModel& model, const Devices& devices, const Data& data, const SampleOptions& o) {
  const bool has_devices = !devices.open.empty();
  Identity all{
      {"program", file_with(reinterpret_cast<const void*>(&read_checkpoint))},
      {"model", file_with(reinterpret_cast<const void*>(model.table().log_density_gradient))},
      {"processor", has_devices ? on_gpu : on_cpu},
      {"kernels", has_devices ? file_with(reinterpret_cast<const void*>(devices.table->advance)) : ""},
      {"data", text_of(data)}};
  const auto add = [&](const char* name, const auto& value) { all.emplace_back(name, fmt::format("{}", value)); };
  std::string layout;
  for (std::int64_t i = 0; i < model.layout().site_count; ++i)
    layout += fmt::format("{}{} {}", i > 0 ? ", " : "", model.layout().sites[i].name, model.layout().sites[i].size);
  add("sites", layout);
  add("chains", o.chains);
  add("warmup", o.warmup);
  add("warmup_cap", o.warmup_cap);
  add("draws", o.draws);
  add("until", fmt::format("{}, time={}", accuracy_text(o.until), o.until.seconds));
  add("seed", o.seed);
  add("init", text_of(o.init));
  add("geometry", o.geometry);
  add("precision", precision_text(o.precision));
  add("sampler", o.sampler);
  add("max_depth", o.max_depth);
  add("target_acceptance", o.target_acceptance);
  add("metric", int(o.metric));
  add("keep", fmt::format("{}", fmt::join(o.keep, ",")));
  add("leave_out", fmt::format("{}", fmt::join(o.leave_out, ",")));
  add("only_summary", o.only_summary);
  add("thin", o.thin);
  add("keep_warmup", o.keep_warmup);
  add("log_likelihood", o.log_likelihood);
  add("predictive", o.predictive);
  add("generated", int(o.generated));
  return all;
}

Identity read_identity(Archive& archive) {
  std::vector<std::string> names, values;
  archive(names, values);
  Identity identity;
  for (std::size_t i = 0; i < std::min(names.size(), values.size()); ++i) identity.emplace_back(names[i], values[i]);
  return identity;
}

Processor processor_in(const Identity& identity) {
  for (const auto& [name, value] : identity)
    if (name == "processor") return value == on_gpu ? Processor::cuda : Processor::cpu;
  return Processor::automatic;
}

}  // namespace

SavedRun saved_run(const fs::path& path) {
  std::vector<std::string> note;
  Archive archive = read_checkpoint(path);
  archive(note);
  return {std::move(note), processor_in(read_identity(archive))};
}

Checkpoint::Checkpoint(const CheckpointOptions& options, bool goes_on) : path_(options.file), note_(options.note) {
  if (goes_on) {
    saved_ = read_checkpoint(path_);
    std::uint64_t number = 0, bytes = 0;
    std::vector<std::string> note;
    (*saved_)(note);
    identity_ = read_identity(*saved_);
    (*saved_)(number, bytes, chains_, slices_, teams_, elapsed_before_);
    draws_.emplace(beside(".draws"), number, bytes);
    was_saved_ = true;
    return;
  }
  for (const fs::path& there : {path_, results()})
    if (fs::exists(fs::symlink_status(there)))
      throw SampleError(fmt::format(
          "'{}' is there already (of a run that can go on, perhaps). Go on with that (lockstep resume), remove it, or "
          "name another checkpoint.",
          there.string()));
  const PartialFile possible(path_);  // says what is wrong with the name before the work
  draws_.emplace(beside(".draws"));
}

Checkpoint::~Checkpoint() {
  if (draws_ && !was_saved_) draws_->remove();
}

void Checkpoint::require_same(const HostModel& model, const Devices& devices, const Data& data, const SampleOptions& options) {
  const auto now = identity_of(model, devices, data, options);
  if (!saved_) {
    identity_ = now;
    return;
  }
  if (now.size() != identity_.size())
    throw SampleError(
        fmt::format("The checkpoint '{}' is of another program. Go on with the one that wrote it.", path_.string()));
  for (std::size_t i = 0; i < now.size(); ++i) {
    const auto& [name, there] = identity_[i];
    const auto& [name_here, here] = now[i];
    if (name == name_here && there == here) continue;
    const bool by_hash = name == "program" || name == "model" || name == "kernels" || name == "data";
    throw SampleError(fmt::format(
        "The checkpoint '{}' is of a run with another {} ({}; its draws would not go on as they began). Go on with the "
        "same, or begin anew.",
        path_.string(), name, by_hash ? "it has changed since" : fmt::format("{} there, {} here", there, here)));
  }
}

Processor Checkpoint::processor() const { return processor_in(identity_); }

double Checkpoint::elapsed() const {
  return elapsed_before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
}

void Checkpoint::save(const RunPlan& plan, const std::function<void(Archive&)>& state) {
  draws_->secure();
  std::uint64_t number = draws_->number(), bytes = draws_->bytes();
  std::vector<std::string> names, values;
  for (const auto& [name, value] : identity_) names.push_back(name), values.push_back(value);
  int chains = plan.chains, slices = plan.slices;
  std::string teams = plan.teams;
  double seconds = elapsed();
  Archive archive;
  archive(note_, names, values, number, bytes, chains, slices, teams, seconds);
  state(archive);
  PartialFile file(path_);
  file.write(magic);
  file.write(bytes_of(format_version));
  file.write(bytes_of(std::uint64_t(archive.bytes().size())));
  file.write(archive.bytes());
  file.write(bytes_of(checksum(archive.bytes())));
  file.publish(true);
  was_saved_ = true;
}

void Checkpoint::remove() {
  std::error_code error;
  for (const fs::path& file : {path_, results()}) {
    fs::remove(file, error);
    remove_abandoned(file);
  }
  draws_->remove();
}

}  // namespace lockstep
