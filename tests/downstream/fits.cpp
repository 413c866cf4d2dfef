// A small simulation study against the public headers alone: a model of one's own, data made here, fits from several threads at
// once, draws and statistics by name, a progress function, a run that is cancelled, and an error.
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include <lockstep/lockstep.hpp>

using namespace lockstep;

struct Line {
  Dim point;
  Real x, y;
  explicit Line(Dataset& d) : point(d.dim("point")), x(d.real("x", point)), y(d.real("y", point)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto slope = m.param("slope", normal(0, 10));
    auto sigma = m.param("sigma", half_normal(5));
    m.observe("y", y, point, [&](auto i) { return normal(slope * x[i], sigma); });
  }
};

Data simulated(double slope) {
  std::vector<double> x, y;
  for (int i = 0; i < 50; ++i) {
    x.push_back(i / 10.);
    y.push_back(slope * x.back() + 0.3 * std::sin(7.0 * i));
  }
  Data data;
  data.set("x", x);
  data.set("y", y);
  return data;
}

double mean(const std::vector<double>& v) {
  double total = 0;
  for (double each : v) total += each;
  return total / double(v.size());
}

int failures = 0;
void check(bool ok, const char* what) {
  if (!ok) std::printf("failed: %s\n", what), ++failures;
}

int main() {
  SampleOptions options;
  options.chains = 16;
  options.draws = 100;
  options.threads = 1;
  std::vector<Fit> fits(3);
  std::vector<std::thread> threads;
  for (std::size_t k = 0; k < fits.size(); ++k)
    threads.emplace_back([&, k] { fits[k] = sample<Line>(simulated(double(k)), options); });
  for (std::thread& each : threads) each.join();
  for (std::size_t k = 0; k < fits.size(); ++k) {
    const Variable& slope = fits[k].variable("posterior", "slope");
    check(slope.values.size() == 1600 && std::abs(mean(slope.values) - double(k)) < 0.1, "the slope is found");
    const double acceptance = mean(fits[k].variable("sample_stats", "acceptance_rate").values);
    check(acceptance > 0.5 && acceptance < 1, "statistics are there by name");
  }
  check(fits[1].variable("posterior", "slope").values == sample<Line>(simulated(1), options).variable("posterior", "slope").values,
        "the same seed gives the same draws beside other runs and alone");

  bool reported = false;
  options.progress = [&](const Progress& p) { reported = reported || (!p.warmup && p.done == p.total); };
  options.cancel = [] { return true; };
  try {
    sample<Line>(simulated(1), options);
    check(false, "a run that is cancelled in its warmup has nothing to return");
  } catch (const Stopped&) {
  }
  options.draws = 10;
  options.cancel = {};
  sample<Line>(simulated(1), options);
  check(reported, "the end is reported");

  try {
    Data half = simulated(1);
    half.set("y", {1., 2.});
    sample<Line>(half, options);
    check(false, "data that do not fit are refused");
  } catch (const DataError& error) {
    std::printf("%s\n", error.what());
  }
  if (failures == 0) std::printf("ok\n");
  return failures;
}
