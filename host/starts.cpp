#include "host/starts.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lockstep/random.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

std::vector<double> Starts::operator()(std::uint32_t which) const {
  constexpr int attempts = 100;
  const int n = model_.coordinates();
  std::vector<double> position(static_cast<std::size_t>(n)), gradient(position.size());
  for (std::uint32_t attempt = 0; attempt < attempts; ++attempt) {
    Stream random({seed_, 0, which, attempt, Purpose::start});
    for (double& x : position) x = 4 * random.uniform() - 2;
    const double lp = model_.log_density(position.data(), gradient.data());
    if (std::isfinite(lp) && std::all_of(gradient.begin(), gradient.end(), [](double g) { return std::isfinite(g); })) return position;
  }
  throw SampleError(fmt::format("no starting point was found ({} points, uniform on (-2, 2) in the unconstrained coordinates, "
                                "have no finite log density). {}", attempts, culprit(position)));
}

// The first observation that is impossible at this point.
std::string Starts::culprit(const std::vector<double>& position) const {
  std::vector<double> values(model_.values(Meaning::pointwise));
  GenerateRequest request{};
  request.meaning = Meaning::pointwise;
  request.position = position.data();
  request.out = values.data();
  model_.generate(request);
  std::size_t next = 0;
  for (std::int64_t i = 0; i < model_.layout().site_count; ++i) {
    const SiteView& site = model_.layout().sites[i];
    if (site.kind != SiteKind::observed) continue;
    for (std::int32_t j = 0; j < site.size; ++j, ++next)
      if (!std::isfinite(values[next]))
        return fmt::format("The first observation that is impossible there is number {} of '{}' (log density {}): check its value, "
                           "and the data that its distribution uses, such as a negative standard deviation.",
                           j + 1, site.name, std::isnan(values[next]) ? "NaN" : "-inf");
  }
  return "Every observation is possible there: check the priors.";
}

}  // namespace lockstep
