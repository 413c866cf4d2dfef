// A user's own model: a header compiled into a shared library on first use, kept in a cache, and loaded.
//
// The header holds one model: a class with a constructor from Dataset& and a templated operator() (models/README.md). The
// library exports one function, which returns the model's table; nothing else crosses the boundary. The cache's key covers
// the header and what it includes beside it, Lockstep's own headers, the compiler, its flags and the processor. Several
// processes may build the same model: one compiles, the others wait.
#pragma once

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

namespace lockstep {

struct DeviceModelTable;
struct ModelTable;

// The model does not compile, or cannot be loaded. The message starts with the user's own file and line.
class BuildError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct PluginBuild {
  std::filesystem::path library;
  bool compiled = false;          // false: it was in the cache
};

// checked: slow, and it ends the process, with a message on stderr, if an expression reads a node that is gone
// (lockstep/liveness.hpp). cuda: by nvcc, for the GPU of this machine, in doubles or in mixed precision.
enum class PluginKind { fast, checked, cuda, cuda_mixed };

// Compiles a model unless the cache has it. `say` gets a line before something slow starts. Throws BuildError.
PluginBuild build_model(const std::filesystem::path& header, const std::function<void(const std::string&)>& say,
                        PluginKind kind = PluginKind::fast);

// Builds and loads it. The table stays valid until the process ends: libraries are never unloaded. Throws BuildError.
const ModelTable& load_model(const std::filesystem::path& header, const std::function<void(const std::string&)>& say);

// Loads what was built. Throws BuildError.
const ModelTable& load_plugin(const PluginBuild& build);
const DeviceModelTable& load_cuda_plugin(const PluginBuild& build);

// The parts, for tests.

// The name of the one class in `text` that is constructed from a Dataset&. Throws BuildError if there is none, or several.
std::string model_class(const std::string& text, const std::string& file);

// $LOCKSTEP_CACHE, else $XDG_CACHE_HOME/lockstep, else ~/.cache/lockstep.
std::filesystem::path cache_folder();

}  // namespace lockstep
