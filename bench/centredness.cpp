// What the choice of centredness wins: hierarchies sampled centred, not centred, and as choose_centredness says.
//
// For each the smallest bulk ESS of its parameters per 1000 gradients, and the divergences of a run: 4 chains of 2000 draws after
// the usual warmup, diagonal metric, means over seeds (warmup's gradients are not counted). The hierarchies: eight schools; the same
// with a tenth of the standard errors; radon, with its 85 counties; 40 groups, of which every other has a standard error of 0.05
// and the rest of 3.
//
//   build/release/bench/centredness [SEEDS]     (5)

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/simulated_data.hpp"
#include "host/diagnostics.hpp"
#include "lockstep/lockstep.hpp"
#include "tests/partially_centred_radon.hpp"

namespace {

using namespace lockstep;

struct Groups {
  Dim group;
  Real y, sigma, c;
  explicit Groups(Dataset& d)
      : group(d.dim("group")), y(d.real("y", group)), sigma(d.real("sigma", group)), c(d.centredness("theta", group)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 5));
    auto tau = m.param("tau", half_cauchy(5));
    auto theta = m.param("theta", group, [&](auto j) { return partially_centred(normal(mu, tau), c[j]); });
    m.observe("y", y, group, [&](auto j) { return normal(theta[j], sigma[j]); });
  }
};

Data schools(double share_of_errors) {
  Data data;
  data.set("y", {28., 8., -3., 7., -1., 1., 18., 12.});
  std::vector<double> sigma{15, 10, 16, 11, 9, 11, 10, 18};
  for (double& each : sigma) each *= share_of_errors;
  data.set("sigma", sigma);
  return data;
}

Data uneven_groups() {
  Stream stream({.seed = 20250102, .purpose = Purpose::prior_draw});
  std::vector<double> y, sigma;
  for (int j = 0; j < 40; ++j) {
    sigma.push_back(j % 2 ? 3 : 0.05);
    y.push_back(1 + stream.normal() + sigma.back() * stream.normal());
  }
  Data data;
  data.set("y", y);
  data.set("sigma", sigma);
  return data;
}

struct Hierarchy {
  const char *name, *field;   // the field is the centredness
  const ModelTable* model;
  Data data;
  int size;                   // groups
};

struct Figures {
  double ess = 0, divergences = 0;
};
Figures run(const Hierarchy& hierarchy, const Data& data, std::uint64_t seed) {
  SampleOptions options;
  options.chains = 4;
  options.draws = 2000;
  options.metric = MetricKind::diagonal;
  options.seed = seed;
  options.processor = Processor::cpu;
  const Fit fit = sample(*hierarchy.model, data, options);
  const auto total = [&](const char* name) {
    double all = 0;
    for (double each : fit.variable("sample_stats", name).values) all += each;
    return all;
  };
  double least = HUGE_VAL;
  for (const NamedDiagnosis& each : diagnose(fit)) least = std::min(least, each.diagnosis.ess_bulk);
  return {1000 * least / total("n_steps"), total("diverging")};
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);   // takes away the options of ./lockstep bench
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 5;
  if (argc > 2 || seeds < 1) {
    std::fprintf(stderr, "centredness: the one argument is how many seeds (a whole number from 1). Leave it out for 5.\n");
    return 2;
  }
  const Hierarchy hierarchies[] = {
      {"eight schools", "theta_centredness", model_table<Groups>(), schools(1), 8},
      {"eight schools, errors / 10", "theta_centredness", model_table<Groups>(), schools(0.1), 8},
      {"radon", "alpha_centredness", model_table<Counties>(), example_data(*find_zoo_model("radon")), 85},
      {"40 groups, errors 0.05 and 3", "theta_centredness", model_table<Groups>(), uneven_groups(), 40},
  };
  std::printf("Smallest bulk ESS per 1000 gradients (divergences in a run), means of %d seeds\n%-30s %18s %18s %18s %18s\n", seeds,
              "hierarchy", "centred", "not centred", "chosen", "chosen / better");
  for (const Hierarchy& each : hierarchies) {
    Figures mean[3];
    for (int seed = 1; seed <= seeds; ++seed)
      for (int form = 0; form < 3; ++form) {
        Data data = each.data;
        if (form < 2) {
          data.set(each.field, std::vector<double>(std::size_t(each.size), form == 0 ? 1. : 0.));
        } else {
          CentrednessOptions options;
          options.seed = std::uint64_t(seed);
          const Data chosen = choose_centredness(*each.model, data, options);
          data.set(each.field, chosen.fields().at(each.field).values);
        }
        const Figures one = run(each, data, std::uint64_t(seed));
        mean[form].ess += one.ess / seeds;
        mean[form].divergences += one.divergences / seeds;
      }
    std::printf("%-30s", each.name);
    for (const Figures& form : mean) std::printf(" %10.1f (%5.1f)", form.ess, form.divergences);
    std::printf(" %18.2f\n", mean[2].ess / std::max(mean[0].ess, mean[1].ess));
    std::fflush(stdout);
  }
}
