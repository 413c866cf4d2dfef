#include "host/digest.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace lockstep {

namespace {

constexpr std::size_t most_bytes_read = std::size_t{64} << 20;
constexpr std::array<std::string_view, 3> needed_statistics = {"diverging", "reached_max_treedepth", "energy"};

void diagnose_variable(const FitFile& file, const Group& group, const Variable& variable, Diagnoser& diagnose_one,
                       std::vector<NamedDiagnosis>& all) {
  const Fit& fit = file.outline();
  const std::size_t draws = fit.draws_of(group), rows = rows_of(variable);
  if (variable.size() == 0) return;
  const std::size_t row_size = variable.size() / rows;
  const std::size_t row_bytes = std::max<std::size_t>(1, sizeof(double) * fit.chains * draws * row_size);
  const std::size_t at_a_time = std::max<std::size_t>(1, most_bytes_read / row_bytes);
  std::vector<std::string> names = element_names(fit, variable);
  auto name = names.begin();
  for (std::size_t first = 0; first < rows; first += at_a_time) {
    const std::size_t count = std::min(at_a_time, rows - first), size = count * row_size;
    const std::vector<double> values = file.read(group, variable, {0, fit.chains}, {0, draws}, {first, count});
    for (std::size_t i = 0; i < size; ++i)
      all.push_back({std::move(*name++),
                     diagnose_one({values.data() + i, fit.chains, draws, draws * size, size}, fit.superchain)});
  }
}

}  // namespace

Digest digest(const FitFile& file) {
  Digest result{file.outline(), {}};
  // Another sampler's statistics may be of other draws.
  std::erase_if(result.fit.groups, [&](const Group& each) { return each.name == "sample_stats" && result.fit.draws_of(each) != result.fit.draws; });
  for (Group& group : result.fit.groups) {
    if (group.name != "sample_stats" || !group.per_draw) continue;
    std::erase_if(group.variables, [](const Variable& each) {
      return std::find(needed_statistics.begin(), needed_statistics.end(), each.name) == needed_statistics.end();
    });
    for (Variable& each : group.variables) each.values = file.read(group, each);
  }
  const Group& posterior = file.outline().group("posterior");
  Diagnoser diagnose_one;
  for (const Variable& each : posterior.variables) diagnose_variable(file, posterior, each, diagnose_one, result.diagnoses);
  return result;
}

}  // namespace lockstep
