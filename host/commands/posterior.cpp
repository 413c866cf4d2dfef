#include "lockstep/prior_from_posterior.hpp"

#include <nlohmann/json.hpp>

#include "host/commands/command.hpp"
#include "host/netcdf.hpp"
#include "host/partial_file.hpp"

namespace lockstep {

namespace {

struct PosteriorCommand {
  std::string file, vars, name = "before", out;
  bool overwrite = false;

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("posterior", "Write what a fit has learnt as data for another model's prior");
    command->add_option("FIT", file, "A results file of lockstep, or of another sampler in ArviZ's layout")
        ->required()
        ->option_text(" ");
    command
        ->add_option("--vars", vars,
                     "Sites of the posterior, as 'mu,log(sigma),logit(p)': log of what is positive, logit\n"
                     "of what is between 0 and 1, so that all are on the real line")
        ->required()
        ->option_text("NAMES");
    command->add_option("--name", name, "What the model calls it: d.posterior(\"NAME\", ...). Default: before")
        ->option_text("NAME");
    command->add_option("--out", out, "Where to: JSON, for --data. A FILE that is there is refused")
        ->required()
        ->option_text("FILE");
    command->add_flag("--overwrite", overwrite, "Replace FILE if it is there");
    command->footer(
        "The mean and the Cholesky factor of the covariance of these, over all draws: a multivariate normal distribution.\n"
        "models/README.md shows a model that takes it for its prior.");
    command->callback([this] { run(); });
  }

  void run() const {
    require_name(true, out);
    require_free(out, overwrite);
    Data data;
    prior_from_posterior(data, name, read_netcdf(file, {"posterior"}), comma_list("--vars", vars));
    nlohmann::json json;
    for (const auto& [dim, labels] : data.labels()) json[dim] = labels;
    for (const auto& [field, content] : data.fields()) {
      if (content.shape.size() == 1) json[field] = content.values;
      else
        for (std::int64_t row = 0; row < content.shape[0]; ++row) {
          const auto first = content.values.begin() + row * content.shape[1];
          json[field].push_back(std::vector<double>(first, first + content.shape[1]));
        }
    }
    PartialFile partial(out);
    partial.write(json.dump() + "\n");
    partial.publish(overwrite);
    print(fmt::format("{}: mean and covariance of {}\n\nResults: {}\n", file, fmt::join(data.labels().at(name), ", "), out));
  }
};

}  // namespace

void add_posterior_command(CLI::App& app) {
  static PosteriorCommand command;
  command.add_to(app);
}

}  // namespace lockstep
