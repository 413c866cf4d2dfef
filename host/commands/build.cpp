#include "host/commands/command.hpp"

#include "host/plugin.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

namespace {

struct BuildCommand {
  std::string model, device = "cpu", precision = "double";

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("build", "Compile a model of your own, for its first use or to see its errors");
    command->add_option("MODEL", model, "A model file (see models/README.md)")->required()->option_text(" ");
    command->add_option("--device", device, "What it is compiled for. Default: cpu")->option_text("cpu|cuda");
    command->add_option("--precision", precision, "And for which precision, on a GPU; on the CPU for both. Default: double")
        ->option_text("double|mixed");
    command->callback([this] { run(); });
  }
  void run() const {
    if (find_zoo_model(model)) throw UsageError(fmt::format("'{}' is a model of the zoo (it is compiled in). Sample from it at once.", model));
    if (device != "cpu" && device != "cuda") throw UsageError(fmt::format("--device is '{}' (there are cpu and cuda). Choose one of these.", device));
    if (precision != "double" && precision != "mixed")
      throw UsageError(fmt::format("--precision is '{}' (there are double and mixed). Choose one of these.", precision));
    const PluginKind on_gpu = precision == "mixed" ? PluginKind::cuda_mixed : PluginKind::cuda;
    const PluginBuild build = build_model(model, complain, device == "cuda" ? on_gpu : PluginKind::fast);
    print(fmt::format("{} {}\n", build.compiled ? "built" : "was built already:", build.library.string()));
  }
};

}  // namespace

void add_build_command(CLI::App& app) {
  static BuildCommand command;
  command.add_to(app);
}

}  // namespace lockstep
