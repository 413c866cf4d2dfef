#include "host/plugin.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "host/hash.hpp"
#include "kernels/cuda/devices.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw BuildError(fmt::format("'{}' could not be opened (it does not exist, or may not be read). Check its name.", path.string()));
  return {std::istreambuf_iterator<char>(file), {}};
}

// The file and every file that it includes by a quoted name and that lies beside it.
void add_with_includes(const fs::path& path, Hash& hash, std::set<fs::path>& seen) {
  if (!seen.insert(fs::weakly_canonical(path)).second) return;
  const std::string text = read_file(path);
  hash.add(text);
  static const std::regex include(R"re(^[ \t]*#[ \t]*include[ \t]*"([^"]+)")re", std::regex::multiline);
  for (auto match = std::sregex_iterator(text.begin(), text.end(), include); match != std::sregex_iterator(); ++match) {
    const fs::path included = path.parent_path() / (*match)[1].str();
    if (fs::is_regular_file(included)) add_with_includes(included, hash, seen);
  }
}

void add_folder(const fs::path& folder, Hash& hash) {
  std::vector<fs::path> headers;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".hpp" || entry.path().extension() == ".cuh") headers.push_back(entry.path());
  std::sort(headers.begin(), headers.end());
  for (const fs::path& header : headers) hash.add(read_file(header));
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("flags", 0) == 0 || line.rfind("Features", 0) == 0) return line;
  return "";
}

// What compiles models: what compiled this program, unless $LOCKSTEP_CXX names another.
std::string compiler() {
  const char* chosen = std::getenv("LOCKSTEP_CXX");
  return chosen && *chosen ? chosen : LOCKSTEP_CXX;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

struct Output {
  int status;
  std::string text;
};
Output run(const std::string& command) {
  std::FILE* pipe = popen((command + " 2>&1 </dev/null").c_str(), "r");
  if (!pipe) return {-1, "a shell could not be started"};
  Output output{0, ""};
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) output.text.append(buffer, n);
  const int status = pclose(pipe);
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return output;
}

// The compiler's errors, those in the user's own file first, at most ten lines; templates say too much otherwise.
std::string legible(const std::string& output, const fs::path& header, const fs::path& log) {
  std::vector<std::string> own, other;
  std::istringstream lines(output);
  const std::string name = header.filename().string() + ":";
  for (std::string line; std::getline(lines, line);) {
    const bool is_error = line.find("error:") != std::string::npos;
    const bool required_here = line.find("required from here") != std::string::npos;
    std::vector<std::string>& to = line.find(name) != std::string::npos && (is_error || required_here) ? own : other;
    // The same line of the file once: a template is compiled for several kinds of lanes.
    const std::string place = line.substr(0, line.find(": "));
    const std::string line_number = place.substr(0, place.rfind(':'));
    const bool is_new = std::none_of(to.begin(), to.end(), [&](const std::string& seen) { return seen.rfind(line_number + ":", 0) == 0; });
    if ((&to == &own || is_error) && is_new) to.push_back(line);
  }
  std::string text;
  std::size_t shown = 0;
  for (const std::vector<std::string>* lines_of : {&own, &other})
    for (const std::string& line : *lines_of)
      if (shown++ < 10) text += "  " + line.substr(0, 400) + "\n";
  return text + fmt::format("The compiler's whole output is in {}", log.string());
}

// Held while a model is being compiled.
class FileLock {
 public:
  explicit FileLock(const fs::path& path) : descriptor_(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX) != 0)
      throw BuildError(fmt::format("'{}' could not be locked (models are compiled in that folder). Set LOCKSTEP_CACHE to a folder "
                                   "that you can write to.", path.string()));
  }
  ~FileLock() { ::close(descriptor_); }
  FileLock(const FileLock&) = delete;

 private:
  int descriptor_;
};

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file)
    throw BuildError(fmt::format("'{}' could not be written (is the disk full?). Make room, or set LOCKSTEP_CACHE to another folder.", path.string()));
}

}  // namespace

fs::path cache_folder() {
  for (const auto& [variable, below] : {std::pair("LOCKSTEP_CACHE", ""), {"XDG_CACHE_HOME", "lockstep"}, {"HOME", ".cache/lockstep"}})
    if (const char* value = std::getenv(variable); value && *value) return *below ? fs::path(value) / below : fs::path(value);
  return fs::temp_directory_path() / fmt::format("lockstep-{}", ::getuid());
}

std::string model_class(const std::string& text, const std::string& file) {
  static const std::regex constructor(R"((?:explicit\s+)?\b([A-Za-z_]\w*)\s*\(\s*(?:lockstep::)?Dataset\s*&)");
  std::set<std::string> names;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), constructor); match != std::sregex_iterator(); ++match) {
    const std::string name = (*match)[1];
    // A constructor's name is a class of this file; a function's is not.
    if (std::regex_search(text, std::regex("\\b(?:struct|class)\\s+" + name + "\\b"))) names.insert(name);
  }
  if (names.empty())
    throw BuildError(fmt::format("'{}' holds no model (a class with a constructor from Dataset&). See models/README.md.", file));
  if (names.size() > 1)
    throw BuildError(fmt::format("'{}' holds {} models, {} and {} among them (one file holds one). Give each a file.", file, names.size(),
                                 *names.begin(), *std::next(names.begin())));
  return *names.begin();
}

namespace {

// How a kind of plugin is compiled. Its parts are source files that are compiled at the same time.
struct Compilation {
  struct Part {
    std::string source_name, text, flags;   // the text after the model's own header is included
  };
  std::string compiler, flags, link_flags;
  std::vector<Part> parts;
  std::string install;                      // what to do if there is no such compiler
};

// nvcc where it usually is, unless $LOCKSTEP_NVCC names another.
std::string nvcc() {
  const char* chosen = std::getenv("LOCKSTEP_NVCC");
  if (chosen && *chosen) return chosen;
  const fs::path usual = "/usr/local/cuda/bin/nvcc";
  return fs::exists(usual) ? usual.string() : "nvcc";
}

// What a library exports, and what it returns.
std::string entry_point(const std::string& declaration, const std::string& value) {
  return fmt::format("extern \"C\" __attribute__((visibility(\"default\"))) {} {{\n  return {};\n}}\n", declaration, value);
}

Compilation for_cpu(const std::string& model, bool checked) {
  // Gradients, and everything else: the second takes the compiler longer, and is not worth the last optimisation.
  const std::string include = "#include \"lockstep/model_table.hpp\"\n\n", on_host = "lockstep::ModelOnHost lockstep_model_on_host()";
  return {compiler(), LOCKSTEP_CXX_FLAGS " -fPIC -fvisibility=hidden -w" + std::string(checked ? " -O1 -DLOCKSTEP_CHECK_LIVENESS=1" : ""),
          // A function that the model's file does not declare inline is in both.
          "-Wl,-z,muldefs",
          {{"model.cpp", include + on_host + ";\n\n" +
            entry_point("const lockstep::ModelTable* lockstep_model()", "lockstep::model_table<" + model + ">(lockstep_model_on_host())"), ""},
           {"on_host.cpp", include + on_host + " { return lockstep::model_on_host<" + model + ">(); }\n", " -O2"}},
          "(a model of your own is compiled on first use). Install g++, or name one in LOCKSTEP_CXX; "
          "of the container images, devel has one."};
}

Compilation for_gpu(const std::string& model, bool mixed) {
  // For the GPU that is here; if there is none, for an older one, and by PTX for whatever is newer.
  const CudaStatus status = cuda_status();
  std::string target = "sm_80";
  if (!status.devices.empty()) {
    std::string digits = status.devices.front().capability;
    digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
    target = "sm_" + digits;
  }
  return {nvcc(), "-std=c++20 -O3 -DNDEBUG -arch=" + target + " --expt-relaxed-constexpr -cudart shared "
                  "-Xcompiler -fPIC,-fvisibility=hidden -w -ccbin " + quoted(compiler()),
          "",
          {{"model.cu", "#include \"kernels/cuda/model_kernels.cuh\"\n\n" +
            entry_point("const lockstep::DeviceModelTable* lockstep_cuda_model()",
                        "lockstep::cuda_model_table<" + model + (mixed ? ", lockstep::Single" : "") + ">()"), ""}},
          "(a model of your own is compiled for a GPU on first use). Install the CUDA toolkit, or name its nvcc in LOCKSTEP_NVCC; "
          "of the container images, devel has one."};
}

Compilation compilation_of(const std::string& model, PluginKind kind) {
  switch (kind) {
    case PluginKind::cuda: return for_gpu(model, false);
    case PluginKind::cuda_mixed: return for_gpu(model, true);
    default: return for_cpu(model, kind == PluginKind::checked);
  }
}

const char* purpose_text(PluginKind kind) {
  switch (kind) {
    case PluginKind::checked: return "to be checked";
    case PluginKind::cuda: return "for the GPU, first use";
    case PluginKind::cuda_mixed: return "for the GPU in mixed precision, first use";
    default: return "first use";
  }
}

}  // namespace

PluginBuild build_model(const fs::path& header, const std::function<void(const std::string&)>& say, PluginKind kind) {
  const fs::path source = fs::absolute(header);
  const fs::path root = LOCKSTEP_ROOT;
  const std::string text = read_file(header);
  const std::string name = model_class(text, header.string());
  // The class may be in a namespace: the first one that the file opens, if any.
  std::smatch space;
  const bool in_namespace = std::regex_search(text, space, std::regex(R"(\n\s*namespace\s+([A-Za-z_][\w:]*)\s*\{)"));
  const std::string full_name = (in_namespace ? "::" + space[1].str() + "::" : "::") + name;

  const Compilation how = compilation_of(full_name, kind);
  const std::string version = run(quoted(how.compiler) + " --version").text;
  if (version.find("not found") != std::string::npos)
    throw BuildError(fmt::format("there is no compiler '{}' {}", how.compiler, how.install));
  const fs::path language = root / "include" / "lockstep";
  if (!fs::is_directory(language))
    throw BuildError(fmt::format("there is no folder '{}' (a model of your own is compiled with the headers that this program was "
                                 "built from). Put them there, or build lockstep anew.", language.string()));
  Hash hash;
  std::set<fs::path> seen;
  add_with_includes(source, hash, seen);
  add_folder(language, hash);
  add_folder(root / "kernels", hash);
  for (const std::string& each : {how.compiler, version, how.flags, how.link_flags, processor()}) hash.add(each);
  for (const Compilation::Part& part : how.parts) hash.add(part.text + part.flags);

  const fs::path folder = cache_folder() / hash.text();
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure)
    throw BuildError(fmt::format("the folder '{}' could not be made (models are compiled there: {}). Set LOCKSTEP_CACHE to a folder "
                                 "that you can write to.", folder.string(), failure.message()));
  const fs::path library = folder / "model.so";
  const FileLock lock(folder / "lock");
  if (fs::exists(library)) return {library, false};

  say(fmt::format("compiling {} ({})", header.string(), purpose_text(kind)));
  const std::string compile = fmt::format("{} {} -I {} -I {}", quoted(how.compiler), how.flags, quoted((root / "include").string()),
                                          quoted(root.string()));
  std::vector<std::future<Output>> compilations;
  std::string objects;
  for (const Compilation::Part& part : how.parts) {
    const fs::path file = folder / part.source_name;
    write_file(file, fmt::format("#include \"{}\"\n\n{}", source.string(), part.text));
    const std::string object = quoted(file.string() + ".o");
    objects += " " + object;
    compilations.push_back(std::async(std::launch::async, run, compile + part.flags + " -c -o " + object + " " + quoted(file.string())));
  }
  Output output{0, ""};
  const auto add = [&](const Output& more) {
    output.text += more.text;
    if (output.status == 0) output.status = more.status;
  };
  for (std::future<Output>& each : compilations) add(each.get());
  const fs::path unfinished = folder / fmt::format("model.{}.so", ::getpid());
  if (output.status == 0) add(run(fmt::format("{} -shared {} -o {}{}", compile, how.link_flags, quoted(unfinished.string()), objects)));
  write_file(folder / "compiler.log", output.text);
  for (const Compilation::Part& part : how.parts) fs::remove(folder / (part.source_name + ".o"), failure);
  if (output.status != 0) {
    fs::remove(unfinished, failure);
    throw BuildError(fmt::format("'{}' does not compile:\n{}", header.string(), legible(output.text, source, folder / "compiler.log")));
  }
  fs::rename(unfinished, library);
  return {library, true};
}

const ModelTable& load_model(const fs::path& header, const std::function<void(const std::string&)>& say) {
  return load_plugin(build_model(header, say));
}

namespace {

std::string rebuild(const PluginBuild& build) { return fmt::format("Remove {} and run again.", build.library.parent_path().string()); }

template <class Table> const Table& load_table(const PluginBuild& build, const char* entry_name) {
  void* handle = ::dlopen(build.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  auto entry = handle ? reinterpret_cast<const Table* (*)()>(::dlsym(handle, entry_name)) : nullptr;
  if (!entry) throw BuildError(fmt::format("'{}' could not be loaded ({}). {}", build.library.string(), ::dlerror(), rebuild(build)));
  const Table* table = entry();
  if (table->size != sizeof(Table))
    throw BuildError(fmt::format("'{}' was built for another version of lockstep. {}", build.library.string(), rebuild(build)));
  return *table;
}

}  // namespace

const ModelTable& load_plugin(const PluginBuild& build) {
  const ModelTable& table = load_table<ModelTable>(build, "lockstep_model");
  if (table.pack_width != pack_width)
    throw BuildError(fmt::format("'{}' was built for another version of lockstep ({} lanes, this one has {}). {}", build.library.string(),
                                 table.pack_width, pack_width, rebuild(build)));
  return table;
}

const DeviceModelTable& load_cuda_plugin(const PluginBuild& build) { return load_table<DeviceModelTable>(build, "lockstep_cuda_model"); }

}  // namespace lockstep
