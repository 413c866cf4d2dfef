#include "host/summary.hpp"

#include "host/commands/command.hpp"
#include "host/digest.hpp"
#include "host/verdict.hpp"

namespace lockstep {

namespace {

struct SummaryCommand {
  std::string file, format = "table";

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("summary", "Summarise a results file");
    command->add_option("FILE", file, "A results file of lockstep, or of another sampler in ArviZ's layout")
        ->required()
        ->option_text(" ");
    command
        ->add_option("--format", format, "Default: table, which the verdict follows; json and csv have full precision")
        ->option_text("table|json|csv");
    command->callback([this] { run(); });
  }

  void run() const {
    Format chosen;
    try {
      chosen = parse_format(format);
    } catch (const std::invalid_argument& error) {
      throw UsageError(error.what());
    }
    const FitFile results(file, digested_groups);
    if (!results.outline().has_group("posterior") && !results.outline().has_group(summary_group))
      throw std::runtime_error(
          fmt::format("'{}' has no posterior (it is summarised). Choose a file with draws.", file));
    const Digest all = digest(results);
    std::string text = summary(all.fit, all.diagnoses, chosen);
    if (chosen == Format::table) text += "\n" + report(judge(all.fit, all.diagnoses)) + all.note();
    print(text);
  }
};

}  // namespace

void add_summary_command(CLI::App& app) {
  static SummaryCommand command;
  command.add_to(app);
}

}  // namespace lockstep
