#include "host/check.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "host/commands/command.hpp"
#include "host/plugin.hpp"
#include "host/starts.hpp"

namespace lockstep {

namespace {

struct CheckCommand {
  std::string model, init = "2", seed = "1";
  ModelInput input;

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("check", "Look at a model and its data at one point, and check its gradient there");
    command->add_option("MODEL", model, "A model of the zoo (see: lockstep models), or a model file: path/to/model.hpp")
        ->required()
        ->option_text(" ");
    input.add_to(*command);
    add_init_option(*command, init);
    command->add_option("--seed", seed, "Seed of the point. Default: 1")->option_text("S");
    command->footer(
        "Prints the model's sites with their shapes, supports and log densities, the first value that is\n"
        "impossible, and how the gradient compares with two others: one lane of plain doubles, and differences\n"
        "of the log density. A model of one's own is also compiled once more, to see that no expression reads a\n"
        "node that is gone. Exit code 1 if anything is wrong.");
    command->callback([this] { run(); });
  }

  void run() const {
    const auto number = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), false);
    const NamedModel named(model);
    const Data data = input.read(named);
    const Init where = parse_init(init);
    const HostModel bound(named.table(), data);
    const Starts starts(bound, where, number);
    std::string text;
    const std::vector<double> position = point(starts, text);
    CheckReport report = check(bound, position);
    text = describe(report, starts.description()) + text;
    text += alive(data, position, report);
    print(text);
    if (report.problems.empty()) {
      print("All is well.\n");
      return;
    }
    std::string all;
    for (const std::string& problem : report.problems) all += (all.empty() ? "" : "\n") + problem;
    throw std::runtime_error(all);
  }

  // Where chains would start; the first try if they could not.
  static std::vector<double> point(const Starts& starts, std::string& text) {
    try {
      return starts(0);
    } catch (const SampleError&) {
      const std::vector<double> position = starts.first_try(0);
      text += "No chain could start here.\n";
      return position;
    }
  }

  std::string describe(const CheckReport& report, const std::string& where) const {
    std::string text = fmt::format("{}: {} unconstrained coordinates\n\n", model, report.coordinates);
    std::vector<std::vector<std::string>> rows{{"site", "kind", "shape", "support", "log density"}};
    for (const SiteReport& site : report.sites)
      rows.push_back({site.name, site.kind, site.shape.empty() ? "number" : site.shape, site.support,
                      site.log_density ? number_text(*site.log_density) : ""});
    rows.push_back({"", "", "", "Jacobian", number_text(report.log_jacobian)});
    rows.push_back({"", "", "", "total", number_text(report.log_density)});
    std::vector<std::size_t> widths(rows[0].size());
    for (const auto& row : rows)
      for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
    for (const auto& row : rows) {
      std::string line;
      for (std::size_t c = 0; c + 1 < row.size(); ++c) line += fmt::format("{:<{}}  ", row[c], widths[c]);
      text += line + fmt::format("{:>{}}\n", row.back(), widths.back());
    }
    text += fmt::format("\nThe point: {}. Log densities of parameters are their priors', without Jacobians.\n", where);
    if (report.lanes) text += agreement("Gradient in lanes, against plain doubles", *report.lanes);
    if (report.differences) text += agreement("Gradient, against differences of the log density", *report.differences);
    return text;
  }

  static std::string agreement(const char* what, const Agreement& agreement) {
    return fmt::format("{}: {} in {} coordinates; the worst is {}: {:.10g} and {:.10g}.\n", what,
                       agreement.agrees ? "agrees" : "DIFFERS", agreement.compared, agreement.worst, agreement.value,
                       agreement.other);
  }

  // Whether all nodes that expressions read are alive: found out in a process of its own, since a build that checks it
  // ends when one is not.
  std::string alive(const Data& data, const std::vector<double>& position, CheckReport& report) const {
    if (find_zoo_model(model)) return "Nodes alive: the tests check it for the zoo's models.\n";
    const PluginBuild build = build_model(model, complain, PluginKind::checked);
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("A pipe could not be opened (the checked build runs in a process of its own). Close "
                                                  "some files.");
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("A process could not be started (the checked build runs in one of its own). Try again.");
    if (child == 0) {
      close(ends[0]);
      dup2(ends[1], STDERR_FILENO);
      try {
        const HostModel checked(load_plugin(build), data);
        check(checked, position);
      } catch (const std::exception& error) {
        complain(error.what());
        _exit(1);
      }
      _exit(0);
    }
    close(ends[1]);
    std::string said;
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) said.append(buffer, std::size_t(n));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (status == 0) return "Nodes alive: yes, all that expressions read.\n";
    const std::string prefix = "lockstep: ";
    if (said.starts_with(prefix)) said.erase(0, prefix.size());
    said = said.substr(0, said.find('\n'));
    if (said.empty()) said = fmt::format("The checked build was ended by signal {} (it said nothing). Run it in a debugger.", WTERMSIG(status));
    if (!said.empty()) said[0] = char(std::toupper(static_cast<unsigned char>(said[0])));
    report.problems.push_back(said);
    return "Nodes alive: NO.\n";
  }
};

}  // namespace

void add_check_command(CLI::App& app) {
  static CheckCommand command;
  command.add_to(app);
}

}  // namespace lockstep
