// Turns the positions that an ensemble makes into the groups of a fit, and hands them to a sink.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/draw_sink.hpp"
#include "host/run_plan.hpp"
#include "kernels/ensemble.hpp"

namespace lockstep {

class Recorder {
 public:
  // Opens the sink. Throws SampleError if the options name a site that the model does not have.
  Recorder(const HostModel& model, const SampleOptions& options, const RunPlan& plan,
           const std::vector<int>& superchain, DrawSink& sink);

  // The first `count` draws of a block of warmup, of which the first is draw number `first`.
  void warmup(const DrawBlock& block, int first, int count);
  // The first `count` draws of a block, counted from draw number `first` after warmup.
  void draws(const DrawBlock& block, int first, int count);
  // What the user should know about what was kept.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  // A variable, and where its elements are among all that a draw generates.
  struct Column {
    std::size_t offset, size;
  };
  // A group of the outline. Its draws are every stride-th.
  struct Product {
    std::size_t group;
    Meaning meaning;
    int stride;
    std::vector<Column> columns;
  };

  void keep_sites();
  void note_thinning();
  void add_statistics(const char* name, int most, int at_a_time);
  void add_product(const char* name, Meaning meaning, int most, int stride, int at_a_time,
                   std::vector<Product>& products);
  Variable log_likelihood_variable(const SiteView& site);
  void record(const std::vector<Product>& products, std::size_t statistics, const DrawBlock& block, int first,
              int count);
  std::vector<std::vector<double>> generate(const Product& product, const DrawBlock& block, int first,
                                            const std::vector<int>& rows) const;

  const HostModel& model_;
  const SampleOptions& options_;
  RunPlan plan_;
  DrawSink& sink_;
  std::vector<char> kept_;  // per site
  Outline outline_;
  std::vector<Product> products_, warmup_products_;
  std::size_t statistics_ = 0, warmup_statistics_ = 0;  // their groups
  std::vector<std::string> notes_;
};

}  // namespace lockstep
