#include <algorithm>
#include <memory>

#include "host/commands/command.hpp"
#include "host/netcdf.hpp"
#include "host/partial_file.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

// Names with their indices counted from 1, as in Stan's files: theta.1, x.2.3.
void append_header(const Variable& variable, std::string& header) {
  for (std::size_t element = 0; element < variable.size(); ++element) {
    std::string name = variable.name;
    std::size_t inner = variable.size();
    for (std::size_t extent : variable.shape) {
      inner /= extent;
      name += fmt::format(".{}", element / inner % extent + 1);
    }
    header += "," + name;
  }
}

struct DrawsCommand {
  std::string file, vars, out;
  bool csv = false, overwrite = false;
  CLI::App* command = nullptr;

  void add_to(CLI::App& app) {
    command = app.add_subcommand("draws", "Print the draws of a results file");
    command->add_option("FILE", file, "A results file of lockstep, or of another sampler in ArviZ's layout")
        ->required()
        ->option_text(" ");
    command->add_flag("--csv", csv, "As comma-separated values, one row for each draw (there is no other format yet)");
    command
        ->add_option("--vars", vars,
                     "Variables of the posterior or of sample_stats, as mu,theta,lp. Default: the\n"
                     "whole posterior")
        ->option_text("NAMES");
    command->add_option("--out", out, "Where to. Default: stdout. A FILE that is there is refused")
        ->option_text("FILE");
    command->add_flag("--overwrite", overwrite, "Replace FILE if it is there");
    command->footer(
        "Columns: chain and draw (counted from 0), then the variables, named as Stan names them: theta.1 is the\n"
        "first element.");
    command->callback([this] { run(); });
  }

  using Chosen = std::vector<std::pair<const Group*, const Variable*>>;

  void run() const {
    require_name(command->count("--out") > 0, out);
    const std::vector<std::string> names =
        command->count("--vars") > 0 ? comma_list("--vars", vars) : std::vector<std::string>();
    if (std::error_code error; fs::equivalent(out, file, error))
      throw UsageError(fmt::format("--out is '{}' (the draws are in it, and would be lost). Name another.", out));
    require_free(out, overwrite);
    const FitFile results(file, {"posterior", "sample_stats"});
    const Chosen chosen = choose(results.outline(), names);
    if (out.empty()) {
      write(results, chosen, print);
    } else {
      PartialFile partial(out);
      write(results, chosen, [&](const std::string& text) { partial.write(text); });
      partial.publish(overwrite);
    }
  }

  Chosen choose(const Fit& fit, const std::vector<std::string>& names) const {
    if (!fit.has_group("posterior"))
      throw std::runtime_error(
          fmt::format("'{}' has no posterior (its draws are printed). Choose a file with draws.", file));
    Chosen known, chosen;
    std::string list;
    for (const char* group : {"posterior", "sample_stats"}) {
      if (!fit.has_group(group)) continue;
      const Group& each = fit.group(group);
      if (!each.per_draw || fit.draws_of(each) != fit.draws) continue;
      for (const Variable& variable : each.variables) {
        known.emplace_back(&each, &variable);
        list += (list.empty() ? "" : ", ") + variable.name;
      }
    }
    if (names.empty()) {
      std::copy_if(known.begin(), known.end(), std::back_inserter(chosen),
                   [](const auto& each) { return each.first->name == "posterior"; });
      return chosen;
    }
    for (const std::string& name : names) {
      const auto found =
          std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.second->name == name; });
      if (found == known.end())
        throw std::runtime_error(
            fmt::format("'{}' has no variable '{}' (it has: {}). Choose some of these.", file, name, list));
      chosen.push_back(*found);
    }
    return chosen;
  }

  // Chain after chain, a number of draws at a time.
  template <class Write>
  static void write(const FitFile& results, const Chosen& chosen, const Write& write_text) {
    constexpr std::size_t most_bytes = std::size_t{16} << 20;
    const Fit& fit = results.outline();
    const Group& posterior = fit.group("posterior");
    std::string text = "chain,draw";
    std::size_t width = 1;
    for (const auto& [group, variable] : chosen) {
      append_header(*variable, text);
      width += variable->size();
    }
    text += '\n';
    const std::size_t at_a_time = std::max<std::size_t>(1, most_bytes / (sizeof(double) * width));
    for (std::size_t chain = 0; chain < fit.chains; ++chain)
      for (std::size_t first = 0; first < fit.draws; first += at_a_time) {
        const std::size_t count = std::min(at_a_time, fit.draws - first);
        std::vector<std::vector<double>> values;
        for (const auto& [group, variable] : chosen)
          values.push_back(results.read(*group, *variable, {chain, 1}, {first, count}));
        for (std::size_t i = 0; i < count; ++i) {
          const std::size_t number = posterior.draw_numbers.empty() ? first + i : posterior.draw_numbers[first + i];
          fmt::format_to(std::back_inserter(text), "{},{}", chain, number);
          for (std::size_t v = 0; v < chosen.size(); ++v) {
            const std::size_t size = chosen[v].second->size();
            for (std::size_t k = 0; k < size; ++k)
              fmt::format_to(std::back_inserter(text), ",{}", values[v][i * size + k]);
          }
          text += '\n';
          if (text.size() < (std::size_t{1} << 20)) continue;
          write_text(text);
          text.clear();
        }
      }
    write_text(text);
  }
};

}  // namespace

void add_draws_command(CLI::App& app) {
  static DrawsCommand command;
  command.add_to(app);
}

}  // namespace lockstep
