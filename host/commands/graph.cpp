
#include "host/commands/command.hpp"
#include "host/graph.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

namespace {

struct GraphCommand {
  std::string model;
  ModelInput input;

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("graph", "Print a model as a graph, in DOT (for Graphviz)");
    command->add_option("MODEL", model, "A model of the zoo (see: lockstep models), or a model file: path/to/model.hpp")
        ->required()
        ->option_text(" ");
    input.add_to(*command);
    command->footer(
        "Arrows go from what is read to what reads it. Ellipses are parameters, grey ones are observed, boxes are computed,\n"
        "dashed ones were done, plain text is data; frames are dimensions. As a picture: lockstep graph MODEL | dot -Tsvg > model.svg");
    command->callback([this] { run(); });
  }
  void run() const {
    const NamedModel named(model);
    const Data data = input.read(named);
    print(graph_in_dot(HostModel(named.table(), data), named.stem()));
  }
};

}  // namespace

void add_graph_command(CLI::App& app) {
  static GraphCommand command;
  command.add_to(app);
}

}  // namespace lockstep
