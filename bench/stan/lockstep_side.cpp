// Lockstep's half of the comparisons with Stan; side_by_side.R, bench/peers/density.py and per_draw.py call it.
//
//   lockstep_side data MODEL [FILE]                    the data, as Lockstep read them
//   lockstep_side density MODEL [FILE]                 points on stdin, one per line -> log density and gradient
//   lockstep_side sample MODEL SEED OUT [FILE]         one run by defaults on one thread -> figures; draws go to OUT
//   lockstep_side tune MODEL SEED CHAINS [FILE]        -> step size, scales of a diagonal metric, and where each chain is then
//   lockstep_side nuts MODEL SEED DRAWS OUT [FILE]     the same on stdin: NUTS from there on, nothing adapted; draws go to OUT
//
// FILE is a JSON file, by default the model's example data, or the word logistic_10000x50: simulated data. Numbers travel in hexadecimal, so none is rounded.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <map>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "bench/simulated_data.hpp"
#include "host/host_model.hpp"
#include "host/starts.hpp"
#include "host/warmup.hpp"
#include "kernels/cpu/ensemble.hpp"
#include "lockstep/sample.hpp"

namespace {

using namespace lockstep;

// One after the other.
void write_doubles(const std::vector<const std::vector<double>*>& arrays, const char* out) {
  std::FILE* file = std::fopen(out, "wb");
  if (!file) throw std::runtime_error(std::string("cannot write ") + out);
  bool whole = true;
  for (const std::vector<double>* each : arrays)
    whole = whole && std::fwrite(each->data(), sizeof(double), each->size(), file) == each->size();
  if (std::fclose(file) != 0 || !whole) throw std::runtime_error(std::string("could not write all of ") + out);
}

// One line per field: name, number of axes, their lengths, the values row by row.
void print_data(const Data& data) {
  for (const auto& [name, field] : data.fields()) {
    std::printf("%s %zu", name.c_str(), field.shape.size());
    for (const std::int64_t extent : field.shape) std::printf(" %lld", static_cast<long long>(extent));
    for (const double value : field.values) std::printf(" %a", value);
    std::printf("\n");
  }
}

// The numbers of the next line of stdin, `count` of them; none at its end.
std::vector<double> read_numbers(int count) {
  std::string line;
  if (!std::getline(std::cin, line)) return {};
  std::istringstream words(line);
  std::vector<double> numbers;
  for (std::string word; words >> word;) numbers.push_back(std::strtod(word.c_str(), nullptr));
  if (numbers.size() != static_cast<std::size_t>(count))
    throw std::runtime_error("a line has " + std::to_string(numbers.size()) + " numbers (it takes " + std::to_string(count) + ")");
  return numbers;
}

void print_numbers(const std::vector<double>& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) std::printf(i == 0 ? "%a" : " %a", numbers[i]);
  std::printf("\n");
}

void print_densities(const HostModel& model) {
  std::vector<double> gradient(static_cast<std::size_t>(model.coordinates()));
  for (std::vector<double> point; !(point = read_numbers(model.coordinates())).empty();) {
    std::vector<double> both{model.log_density(point.data(), gradient.data())};
    both.insert(both.end(), gradient.begin(), gradient.end());
    print_numbers(both);
  }
}

// After the usual warmup with a diagonal metric and a hundred draws more.
void print_tuning(const HostModel& model, std::uint64_t seed, int chains) {
  constexpr int settling = 100;
  CpuEnsemble ensemble(model.table(), model.handle(), chains, seed, {}, 1);
  const Starts starts(model, InitUniform{}, seed);
  std::vector<double> positions;
  std::vector<int> superchain;
  for (int c = 0; c < chains; ++c) {
    superchain.push_back(c);
    const std::vector<double> start = starts(std::uint32_t(c));
    positions.insert(positions.end(), start.begin(), start.end());
  }
  ensemble.place(positions, std::vector<char>(std::size_t(chains), 1));
  WarmupSettings settings;
  settings.metric.kind = MetricKind::diagonal;
  const WarmupResult warmup =
      warm_up(ensemble, superchain, settings, [&](int chain) { return starts(std::uint32_t(chains + chain)); });
  print_numbers({std::exp(warmup.tuning.log_step)});
  print_numbers(warmup.tuning.metric.scale);
  ensemble.sample(warmup.draws, settling, settling, warmup.tuning, [&](const DrawBlock& block, int, int) {
    for (int c = 0; c < chains; ++c) {
      std::vector<double> position;
      for (int i = 0; i < model.coordinates(); ++i) position.push_back(block.position(c, settling - 1, i));
      print_numbers(position);
    }
    return true;
  });
}

// Doubles to `out`: of every chain, of every draw, its coordinates, its leapfrog steps and its acceptance.
void run_nuts(const HostModel& model, std::uint64_t seed, int draws, const char* out) {
  const int n = model.coordinates();
  Tuning tuning;
  tuning.log_step = std::log(read_numbers(1).at(0));
  tuning.metric.scale = read_numbers(n);
  std::vector<double> positions;
  int chains = 0;
  for (std::vector<double> start; !(start = read_numbers(n)).empty(); ++chains)
    positions.insert(positions.end(), start.begin(), start.end());
  tuning.own_step.assign(std::size_t(chains), 0);
  CpuEnsemble ensemble(model.table(), model.handle(), chains, seed, {}, 1);
  ensemble.place(positions, std::vector<char>(std::size_t(chains), 1));
  std::vector<double> all;
  ensemble.sample(0, draws, draws, tuning, [&](const DrawBlock& block, int, int) {
    for (int c = 0; c < chains; ++c)
      for (int d = 0; d < draws; ++d) {
        for (int i = 0; i < n; ++i) all.push_back(block.position(c, d, i));
        all.push_back(block.statistic(c, d, DrawStatistic::n_steps));
        all.push_back(block.statistic(c, d, DrawStatistic::acceptance_rate));
      }
    return true;
  });
  write_doubles({&all}, out);
}

// A program on one thread uses as much processor time as `sample` does; other programs on the same core do not count.
// Stan 2.21 times its runs by the same clock. Included: starts, warmup, draws, and their way back to the model's own scale.
void print_run(const ZooModel& model, const Data& data, std::uint64_t seed, const char* out) {
  SampleOptions options;
  options.seed = seed;
  options.threads = 1;
  options.processor = Processor::cpu;
  const std::clock_t start = std::clock();
  const Fit fit = sample(*model.table(), data, options);
  const double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;

  const auto number = [&](const char* name) { return std::get<double>(fit.attributes.at(name)); };
  const auto total = [&](const char* name) {
    const std::vector<double>& values = fit.variable("sample_stats", name).values;
    return std::accumulate(values.begin(), values.end(), 0.);
  };
  std::printf("seconds %.9g\nwall %.9g\n", seconds, number("sampling_time"));
  std::printf("chains %zu\ndraws %zu\nwarmup %g\nstuck %g\n", fit.chains, fit.draws, number("tuning_steps"), number("stuck_chains"));
  std::printf("gradients %.0f\nsampling_steps %.0f\ndivergences %.0f\n", number("gradients"), total("n_steps"), total("diverging"));

  std::vector<const std::vector<double>*> values;
  for (const Variable& variable : fit.group("posterior").variables) {
    std::printf("variable %s %zu\n", variable.name.c_str(), variable.size());
    values.push_back(&variable.values);
  }
  write_doubles(values, out);
}

int run(int argc, char** argv) {
  const std::map<std::string, int> file_arguments{{"data", 3}, {"density", 3}, {"sample", 5}, {"tune", 5}, {"nuts", 6}};
  const std::string command = argc > 2 ? argv[1] : "";
  const auto known = file_arguments.find(command);
  const int file_argument = known == file_arguments.end() ? 0 : known->second;
  if (file_argument == 0 || argc < file_argument || argc > file_argument + 1) {
    std::fprintf(stderr, "usage: lockstep_side data|density MODEL [FILE] | sample MODEL SEED OUT [FILE] |\n"
                         "       tune MODEL SEED CHAINS [FILE] | nuts MODEL SEED DRAWS OUT [FILE]\n");
    return 2;
  }
  const ZooModel* model = find_zoo_model(argv[2]);
  if (!model) throw std::runtime_error(std::string("there is no model '") + argv[2] + "' (see: lockstep models)");
  const std::string file = argc > file_argument ? argv[file_argument] : "";
  const Data data = file.empty()                 ? example_data(*model)
                    : file == "logistic_10000x50" ? simulated_logistic(10000, 50)
                                                  : Data::from_json_file(file);
  if (command == "data") print_data(data);
  if (command == "density") print_densities(HostModel(*model->table(), data));
  const std::uint64_t seed = file_argument > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  if (command == "sample") print_run(*model, data, seed, argv[4]);
  if (command == "tune") print_tuning(HostModel(*model->table(), data), seed, std::atoi(argv[4]));
  if (command == "nuts") run_nuts(HostModel(*model->table(), data), seed, std::atoi(argv[4]), argv[5]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lockstep_side: %s\n", error.what());
    return 1;
  }
}
