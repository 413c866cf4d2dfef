// Stan's default sampler (NUTS, diagonal metric) on a model that `stanc` made C++ of, one chain after the other, with nothing around
// it: rows are kept in memory until the end.
//
//   stan_run DATA.json SEED CHAINS WARMUP DRAWS OUT
//
// Writes OUT.columns (names, a line each), OUT.rows (doubles, [chain][warmup + draws][column]) and prints, a line for each chain,
// seconds of warmup, from finding a start on, and of sampling. peers.py compiles it with the model included first.
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <stan/callbacks/interrupt.hpp>
#include <stan/callbacks/stream_logger.hpp>
#include <stan/callbacks/structured_writer.hpp>
#include <stan/callbacks/writer.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/services/sample/hmc_nuts_diag_e_adapt.hpp>

namespace {

using Clock = std::chrono::steady_clock;

class Rows : public stan::callbacks::writer {
 public:
  using writer::operator();
  void operator()(const std::vector<std::string>& names) override { columns = names; }
  void operator()(const std::vector<double>& row) override { values.insert(values.end(), row.begin(), row.end()); }
  void operator()(const std::string& message) override {
    if (message.find("Adaptation terminated") != std::string::npos) warm = Clock::now();
  }

  std::vector<std::string> columns;
  std::vector<double> values;
  Clock::time_point warm;
};

double seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

int main(int count, char** words) {
  if (count != 7) {
    std::cerr << "stan_run: DATA.json SEED CHAINS WARMUP DRAWS OUT are needed.\n";
    return 2;
  }
  const std::string out = words[6];
  const unsigned seed = unsigned(std::stoul(words[2]));
  const int chains = std::stoi(words[3]), warmup = std::stoi(words[4]), draws = std::stoi(words[5]);
  std::ifstream text(words[1]);
  stan::json::json_data data(text);
  stan::model::model_base& model = new_model(data, seed, &std::cerr);

  std::ofstream rows(out + ".rows", std::ios::binary), columns(out + ".columns");
  for (int chain = 1; chain <= chains; ++chain) {
    stan::io::empty_var_context random_start;
    stan::callbacks::interrupt interrupt;
    stan::callbacks::stream_logger logger(std::cerr, std::cerr, std::cerr, std::cerr, std::cerr);
    stan::callbacks::writer nowhere;
    stan::callbacks::structured_writer no_metric;
    Rows sample;
    const auto start = Clock::now();
    // CmdStan's defaults.
    const int status = stan::services::sample::hmc_nuts_diag_e_adapt(
        model, random_start, seed, unsigned(chain), 2., warmup, draws, 1, true, 0, 1., 0., 10, 0.8, 0.05, 0.75, 10., 75, 50, 25,
        interrupt, logger, nowhere, sample, nowhere, no_metric);
    const auto end = Clock::now();
    if (status != 0) return status;
    if (chain == 1)
      for (const std::string& each : sample.columns) columns << each << '\n';
    rows.write(reinterpret_cast<const char*>(sample.values.data()), std::streamsize(sample.values.size() * sizeof(double)));
    std::cout << seconds(sample.warm - start) << ' ' << seconds(end - sample.warm) << '\n';
  }
  return rows && columns ? 0 : 1;
}
