// Lockstep's half of the comparison with Stan; side_by_side.R calls it.
//
//   lockstep_side data MODEL [FILE]                 the data, as Lockstep read them
//   lockstep_side density MODEL [FILE]              points on stdin, one per line -> log density and gradient
//   lockstep_side sample MODEL SEED OUT [FILE]      one run by defaults on one thread -> figures; draws go to OUT
//
// FILE is a JSON file, by default the model's example data, or the word logistic_10000x50: simulated data. Numbers travel in hexadecimal, so none is rounded.

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "bench/simulated_data.hpp"
#include "host/host_model.hpp"
#include "lockstep/sample.hpp"

namespace {

using namespace lockstep;

// One line per field: name, number of axes, their lengths, the values row by row.
void print_data(const Data& data) {
  for (const auto& [name, field] : data.fields()) {
    std::printf("%s %zu", name.c_str(), field.shape.size());
    for (const std::int64_t extent : field.shape) std::printf(" %lld", static_cast<long long>(extent));
    for (const double value : field.values) std::printf(" %a", value);
    std::printf("\n");
  }
}

void print_densities(const HostModel& model) {
  std::vector<double> gradient(static_cast<std::size_t>(model.coordinates()));
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::vector<double> point;
    for (std::string word; words >> word;) point.push_back(std::strtod(word.c_str(), nullptr));
    if (point.size() != gradient.size())
      throw std::runtime_error("a point has " + std::to_string(point.size()) + " coordinates (the model has " +
                               std::to_string(gradient.size()) + ")");
    std::printf("%a", model.log_density(point.data(), gradient.data()));
    for (const double g : gradient) std::printf(" %a", g);
    std::printf("\n");
  }
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

  std::FILE* file = std::fopen(out, "wb");
  if (!file) throw std::runtime_error(std::string("cannot write ") + out);
  bool whole = true;
  for (const Variable& variable : fit.group("posterior").variables) {
    std::printf("variable %s %zu\n", variable.name.c_str(), variable.size());
    whole = whole && std::fwrite(variable.values.data(), sizeof(double), variable.values.size(), file) == variable.values.size();
  }
  if (std::fclose(file) != 0 || !whole) throw std::runtime_error(std::string("could not write all of ") + out);
}

int run(int argc, char** argv) {
  const std::string command = argc > 2 ? argv[1] : "";
  const int file_argument = command == "sample" ? 5 : 3;
  if ((command != "data" && command != "density" && command != "sample") || argc < file_argument ||
      argc > file_argument + 1) {
    std::fprintf(stderr, "usage: lockstep_side data|density MODEL [FILE] | sample MODEL SEED OUT [FILE]\n");
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
  if (command == "sample") print_run(*model, data, std::strtoull(argv[3], nullptr, 10), argv[4]);
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
