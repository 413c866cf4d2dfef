#include "host/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace lockstep {

namespace {

constexpr std::size_t most_bytes_read = std::size_t{16} << 20;
constexpr std::array<std::string_view, 3> needed_statistics = {"diverging", "reached_max_treedepth", "energy"};

// Every `every`-th draw of some rows of a variable.
std::vector<double> read_thinned(const FitFile& file, const Group& group, const Variable& variable, FitFile::Range rows,
                                 std::size_t every) {
  const std::size_t chains = file.outline().chains, draws = file.outline().draws_of(group);
  if (every == 1) return file.read(group, variable, {0, chains}, {0, draws}, rows);
  const std::size_t size = variable.size() / rows_of(variable) * rows.count;
  // Of all chains together: a chunk of the file holds some draws of every chain.
  const std::size_t kept = (draws + every - 1) / every;
  const std::size_t strides = most_bytes_read / std::max<std::size_t>(1, sizeof(double) * size * chains * every);
  const std::size_t step = every * std::max<std::size_t>(1, strides), in_step = strides > 0 ? step : 1;
  std::vector<double> thinned(chains * kept * size);
  for (std::size_t first = 0; first < draws; first += step) {
    const std::size_t count = std::min(in_step, draws - first);
    const std::vector<double> all = file.read(group, variable, {0, chains}, {first, count}, rows);
    for (std::size_t chain = 0; chain < chains; ++chain)
      for (std::size_t draw = 0; draw < count; draw += every)
        std::copy_n(all.begin() + std::ptrdiff_t((chain * count + draw) * size), size,
                    thinned.begin() + std::ptrdiff_t((chain * kept + (first + draw) / every) * size));
  }
  return thinned;
}

void diagnose_variable(const FitFile& file, const Group& group, const Variable& variable, Diagnoser& diagnose_one,
                       Digest& result) {
  const std::size_t chains = result.fit.chains, draws = result.fit.draws, rows = rows_of(variable);
  if (variable.size() == 0) return;
  const std::size_t row_size = variable.size() / rows;
  const std::size_t row_bytes = std::max<std::size_t>(1, sizeof(double) * chains * draws * row_size);
  const std::size_t at_a_time = std::max<std::size_t>(1, most_bytes_read / row_bytes);
  std::vector<std::string> names = element_names(result.fit, variable);
  auto name = names.begin();
  for (std::size_t first = 0; first < rows; first += at_a_time) {
    const std::size_t count = std::min(at_a_time, rows - first), size = count * row_size;
    const std::vector<double> values = read_thinned(file, group, variable, {first, count}, result.every);
    for (std::size_t i = 0; i < size; ++i)
      result.diagnoses.push_back(
          {std::move(*name++),
           diagnose_one({values.data() + i, chains, draws, draws * size, size}, result.fit.superchain)});
  }
}

}  // namespace

std::string Digest::note() const {
  if (every == 1) return "";
  return fmt::format(
      "The table and the verdict are of one draw in {} ({} of {} of each chain; more would hardly change them). "
      "All are in the file.\n",
      every, fit.draws, draws_stored);
}

Digest digest(const FitFile& file, std::size_t most_draws) {
  Digest result{file.outline(), {}, file.outline().draws, 1};
  if (!result.fit.has_group("posterior") && result.fit.has_group(summary_group)) {
    result.diagnoses = diagnose(result.fit);
    return result;
  }
  const std::size_t all = result.fit.chains * result.fit.draws;
  result.every = std::max<std::size_t>(1, (all + most_draws - 1) / most_draws);
  result.fit.draws = (result.draws_stored + result.every - 1) / result.every;
  // Another sampler's statistics may be of other draws.
  std::erase_if(result.fit.groups, [&](const Group& each) {
    return each.name == "sample_stats" && file.outline().draws_of(each) != result.draws_stored;
  });
  for (Group& group : result.fit.groups) {
    if (group.name != "sample_stats" || !group.per_draw) continue;
    std::erase_if(group.variables, [](const Variable& each) {
      return std::find(needed_statistics.begin(), needed_statistics.end(), each.name) == needed_statistics.end();
    });
    for (Variable& each : group.variables)
      each.values = read_thinned(file, group, each, {0, rows_of(each)}, result.every);
    group.draw_numbers.clear();
  }
  const Group& posterior = file.outline().group("posterior");
  Diagnoser diagnose_one;
  for (const Variable& each : posterior.variables) diagnose_variable(file, posterior, each, diagnose_one, result);
  return result;
}

}  // namespace lockstep
