#include "host/commands/command.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

void add_models_command(CLI::App& app) {
  app.add_subcommand("models", "List the models that come with the program")->callback([] {
    std::string text;
    for (const ZooModel& model : zoo()) text += fmt::format("{:<24} {}\n", model.name, model.summary);
    print(text);
  });
}

}  // namespace lockstep
