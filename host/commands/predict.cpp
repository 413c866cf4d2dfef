#include "lockstep/predict.hpp"

#include <limits>

#include "host/commands/command.hpp"
#include "host/netcdf.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

namespace {

struct PredictCommand {
  std::string file, model, out, seed = "1", new_levels = "refuse";
  bool overwrite = false, states = false;
  ModelInput input;
  Count threads{"--threads", 1, 4096, 0};
  CLI::Option* out_option = nullptr;

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("predict", "Predict from a fit: new data, or what if something were done");
    command->add_option("FIT", file, "A results file of lockstep sample")->required()->option_text(" ");
    command->add_option("--model", model, "The model. Default: the one that the fit is of, by the name that it had")->option_text("MODEL");
    input.add_to(*command, "the fit's");
    command
        ->add_option("--new-levels", new_levels,
                     "Elements that the fit has not seen, such as a new county. sample: draw theirs\n"
                     "from the prior, given each draw of the rest. Default: refuse, and list them")
        ->option_text("refuse|sample");
    command->add_flag("--states", states,
                      "Instead: the states that the model sums out (m.hidden_markov, m.mixture, m.latent, and labels of\n"
                      "mixtures and extra zeros), given the fit's data, one path for each draw, and what is missing with\n"
                      "them. Group states");
    command->add_option("--seed", seed, "Seed of the random numbers. Default: 1")->option_text("S");
    command->add_option("--threads", threads.text, "Threads. auto: all cores that the process may use")->option_text("N|auto");
    out_option = command->add_option("--out", out, "Where to. Default: into FIT, as more groups. A FILE that is there is refused")
                     ->option_text("FILE");
    command->add_flag("--overwrite", overwrite, "Replace predictions that are in FIT already, or FILE");
    command->footer(
        "With new data, or anything done, the groups predictions and predictions_constant_data; else posterior_predictive.\n"
        "Fields that --data leaves out are the fit's, unless they run along what is new; what is observed may be left out.\n"
        "Elements are matched by label. All that depends on what is done, or on data that changed, is simulated anew.");
    command->callback([this] { run(); });
  }

  void run() const {
    if (new_levels != "refuse" && new_levels != "sample")
      throw UsageError(fmt::format("--new-levels is '{}' (there are refuse and sample). Choose one of these.", new_levels));
    require_name(out_option->count() > 0, out);
    if (std::error_code error; std::filesystem::equivalent(out, file, error))
      throw UsageError(fmt::format("--out is '{}' (the fit is in it, and would be lost). Leave --out away: predictions are added to the fit.", out));
    require_free(out, overwrite);
    PredictOptions options;
    options.sample_new_levels = new_levels == "sample";
    options.seed = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), false);
    options.threads = threads.value();
    const Data data = input.read_given();
    if (states && !data.empty())
      throw UsageError("--states is given with new data, or something done (states are recovered from the data of the fit). Leave one of them out.");
    const Fit fit = read_netcdf(file, {"posterior", "observed_data", "constant_data"});
    const NamedModel named(model.empty() ? model_of(fit) : model);
    const Fit predictions = states ? recover_states(named.table(), fit, options.seed, options.threads) : predict(named.table(), fit, data, options);
    if (out.empty()) append_netcdf(predictions, file, overwrite);
    else write_netcdf(predictions, out);
    const Group& group = predictions.groups.front();
    std::string text = fmt::format("{}: {} draws of {}\n\n{}\n", named.name(), predictions.chains * predictions.draws, group.name,
                                   simulation_table(predictions, group));
    if (group.name == "posterior_predictive") text += predictive_checks(predictions, fit) + "\n";
    print(text + fmt::format("Results: {}, group {}\n", out.empty() ? file : out, group.name));
  }

  std::string model_of(const Fit& fit) const {
    const auto name = fit.attributes.find("model");
    if (name != fit.attributes.end())
      if (const auto* text = std::get_if<std::string>(&name->second)) return *text;
    throw UsageError(fmt::format("'{}' does not say which model it is of (lockstep sample writes it down). Name it: --model.", file));
  }
};

}  // namespace

void add_predict_command(CLI::App& app) {
  static PredictCommand command;
  command.add_to(app);
}

}  // namespace lockstep
