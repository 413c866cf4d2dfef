// Stan's half of per_draw.py: its no-U-turn sampler on a model that `stanc` made C++ of, with a diagonal metric and a step size
// that stay as they are. (Its adaptive sampler looks for a step size of its own even where there is no warmup.)
//
//   stan_nuts DATA.json SEED DRAWS OUT      on stdin the step size, the metric's scales, and a line for each chain's start
//
// Doubles go to OUT: of every chain, of every draw, its unconstrained coordinates, its leapfrog steps and its acceptance. peers.py
// compiles it with the model included first.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <stan/callbacks/logger.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/mcmc/hmc/nuts/diag_e_nuts.hpp>
#include <stan/services/util/create_rng.hpp>

namespace {

// Empty at the end of stdin.
Eigen::VectorXd read_numbers() {
  std::string line;
  std::getline(std::cin, line);
  std::istringstream words(line);
  std::vector<double> numbers;
  for (std::string word; words >> word;) numbers.push_back(std::strtod(word.c_str(), nullptr));  // hexadecimal
  return Eigen::Map<Eigen::VectorXd>(numbers.data(), Eigen::Index(numbers.size()));
}

void run(const char* data_file, unsigned seed, int draws, const char* out) {
  std::ifstream file(data_file);
  stan::json::json_data data(file);
  stan_model model(data, seed, &std::cerr);
  const double step = read_numbers()[0];
  const Eigen::VectorXd inverse_masses = read_numbers().array().square();
  std::vector<double> all;
  unsigned chain = 0;
  for (Eigen::VectorXd start; (start = read_numbers()).size() > 0;) {
    auto random = stan::services::util::create_rng(seed, ++chain);
    stan::mcmc::diag_e_nuts<stan_model, decltype(random)> sampler(model, random);
    sampler.set_metric(inverse_masses);
    sampler.set_nominal_stepsize(step);
    sampler.set_max_depth(10);
    stan::callbacks::logger logger;
    stan::mcmc::sample state(start, 0, 0);
    for (int d = 0; d < draws; ++d) {
      state = sampler.transition(state, logger);
      std::vector<double> parameters;
      sampler.get_sampler_params(parameters);  // stepsize__, treedepth__, n_leapfrog__, ...
      if (parameters.at(0) != step) throw std::logic_error("the step size has changed");
      all.insert(all.end(), state.cont_params().data(), state.cont_params().data() + state.cont_params().size());
      all.push_back(parameters.at(2));
      all.push_back(state.accept_stat());
    }
  }
  std::ofstream written(out, std::ios::binary);
  written.write(reinterpret_cast<const char*>(all.data()), std::streamsize(all.size() * sizeof(double)));
  written.close();
  if (!written) throw std::runtime_error(std::string("could not write ") + out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: stan_nuts DATA.json SEED DRAWS OUT\n");
    return 2;
  }
  try {
    run(argv[1], unsigned(std::atoi(argv[2])), std::atoi(argv[3]), argv[4]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "stan_nuts: %s\n", error.what());
    return 1;
  }
  return 0;
}
