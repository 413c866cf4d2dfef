#include <algorithm>
#include <limits>
#include <set>
#include <sstream>

#include "host/commands/command.hpp"
#include "host/conformance.hpp"
#include "host/posteriordb.hpp"
#include "host/zoo_posteriors.hpp"
#include "lockstep/model_table.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

namespace {

struct ConformanceCommand {
  std::string path, only, sampler = "nuts", seed = "20240601";
  Count threads{"--threads", 1, 4096, 0};
  DeviceInput device;

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("conformance", "Compare the zoo's posteriors with posteriordb's reference draws");
    command->add_option("PATH", path, "A clone of posteriordb, or a folder laid out like one")->required()->option_text(" ");
    command->add_option("--only", only, "Only these posteriors. Default: all that have reference draws\n"
                                        "and a model in the zoo")->option_text("NAME,...");
    command->add_option("--sampler", sampler, "As sample's. Default: nuts")->option_text("NAME");
    command->add_option("--seed", seed, "Seed of the random numbers. Default: 20240601")->option_text("S");
    command->add_option("--threads", threads.text, "Threads. auto: all cores that the process may use")->option_text("N|auto");
    device.add_to(*command);
    command->footer(
        "Means, sds and five quantiles of every parameter, in standard errors of the difference: the largest |z| may\n"
        "not exceed what a false alarm in a hundred of these tables allows. Every mean has at least 10,000 effective\n"
        "draws. An alarm leads to one more run, with another seed and ten times the draws, which decides.\n"
        "Exit code 1: a posterior disagrees, or could not be sampled.");
    command->callback([this] { run(); });
  }

  struct Case {
    Posteriordb::Posterior posterior;
    const ZooPosterior* known;
    Reference reference;
    std::string problem;  // why there is no reference
  };

  void run() const {
    ConformanceOptions options;
    options.seed = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max() - 1, false);
    options.threads = threads.value();
    options.sampler = sampler_named("--sampler", sampler);
    SampleOptions placed;
    device.read(placed);
    options.processor = placed.processor;
    options.gpus = placed.gpus;
    options.geometry = placed.geometry;
    options.precision = placed.precision;
    const Posteriordb database(path);
    const std::set<std::string> wanted = wanted_names(database);

    std::vector<Case> cases;
    std::set<std::string> missing_models;
    std::vector<std::string> without_model, without_draws;
    std::size_t comparisons = 0;
    for (const Posteriordb::Posterior& posterior : database.posteriors()) {
      if (!wanted.empty() && wanted.count(posterior.name) == 0) continue;
      const ZooPosterior* known = find_zoo_posterior(posterior.model);
      if (!known) {
        missing_models.insert(posterior.model);
        without_model.push_back(posterior.name);
      } else if (posterior.reference.empty()) {
        without_draws.push_back(posterior.name);
      } else {
        cases.push_back({posterior, known, {}, ""});
        try {
          cases.back().reference = database.reference(posterior);
        } catch (const std::exception& error) {
          cases.back().problem = error.what();
        }
        comparisons += comparison_count(cases.back().reference);
      }
    }

    std::size_t agreeing = 0;
    if (!cases.empty()) {
      const double limit = family_limit(std::max(comparisons, std::size_t(1)));
      print(fmt::format("{} comparisons; the largest |z| may be {:.2f}.\n\n{:<42} {:<20} {:>7} {:>9} {:>8} {:>6}  {:<24} {}\n",
                        comparisons, limit, "posterior", "model", "draws", "least ESS", "seconds", "|z|", "at", "verdict"));
      for (const Case& each : cases) agreeing += compare_one(database, each, limit, options) ? 1 : 0;
      print(fmt::format("\n{} of {} agree.\n", agreeing, cases.size()));
    }
    if (!without_draws.empty())
      print(fmt::format("\nWithout reference draws: {}.\n", fmt::join(without_draws, ", ")));
    if (!missing_models.empty())
      print(fmt::format("\nNot in the zoo: {} (models of {} posteriors: {}).\n", fmt::join(missing_models, ", "),
                        without_model.size(), fmt::join(without_model, ", ")));
    if (agreeing < cases.size())
      throw std::runtime_error(fmt::format("{} of {} posteriors do not agree with their references (a false alarm among them "
                                           "is rarer than one in a hundred tables). See the table.",
                                           cases.size() - agreeing, cases.size()));
  }

  std::set<std::string> wanted_names(const Posteriordb& database) const {
    std::set<std::string> names;
    std::istringstream list(only);
    for (std::string name; std::getline(list, name, ',');) {
      const auto& all = database.posteriors();
      if (std::none_of(all.begin(), all.end(), [&](const auto& p) { return p.name == name; }))
        throw UsageError(fmt::format("--only names '{}' (there is no such posterior in '{}'). Names are those of its folder "
                                     "posteriors, without .json.", name, path));
      names.insert(name);
    }
    return names;
  }

  // Prints its line or lines; whether it agrees.
  static bool compare_one(const Posteriordb& database, const Case& each, double limit, const ConformanceOptions& common) {
    try {
      if (!each.problem.empty()) throw std::runtime_error(each.problem);
      ConformanceOptions options = common;
      options.start_range = each.known->start_range;
      const ModelTable table = NamedModel(each.known->zoo).table(options.processor, options.precision);
      const Conformance result = conform(table, each.known->data(database.data(each.posterior)), each.reference,
                                         each.known->counterparts(each.reference), limit, options);
      for (std::size_t i = 0; i < result.runs.size(); ++i) {
        const ConformanceRun& run = result.runs[i];
        const Comparison worst = run.agreement.worst();
        const bool last = i + 1 == result.runs.size();
        print(fmt::format("{:<42} {:<20} {:>7} {:>9.0f} {:>8.1f} {:>6.2f}  {:<24} {}\n", i == 0 ? each.posterior.name : "",
                          i == 0 ? each.known->zoo : fmt::format("seed {}", run.seed), run.draws * options.chains,
                          run.agreement.least_ess, run.seconds, std::abs(worst.z), worst.quantity,
                          !last ? "alarm" : result.agrees ? "agrees" : "DISAGREES"));
      }
      return result.agrees;
    } catch (const std::exception& error) {
      print(fmt::format("{:<42} {:<20} failed: {}\n", each.posterior.name, each.known->zoo, error.what()));
      return false;
    }
  }
};

}  // namespace

void add_conformance_command(CLI::App& app) {
  static ConformanceCommand command;
  command.add_to(app);
}

}  // namespace lockstep
