// A run of which only a summary is kept: SampleOptions::only_summary, host/summary_groups.hpp.
#pragma once

#include <optional>

#include "host/chain_statistics.hpp"
#include "host/online_summary.hpp"
#include "host/stopping_rule.hpp"

namespace lockstep {

// Between a run and the sink that shall have the summary: that is told nothing before the end.
class SummarySink : public AccuracySink {
 public:
  SummarySink(DrawSink& sink, const Until& until, int threads) : sink_(sink), until_(until), threads_(threads) {}

  void open(const Outline& outline) override;
  void append(std::size_t group, std::span<const std::size_t> numbers, std::span<const std::span<const double>> values) override;
  void close(const std::map<std::string, Attribute>& attributes) override;
  Accuracy look() override;

  void state(Archive& archive) { archive(*draws_, *statistics_); }

 private:
  DrawSink& sink_;
  Until until_;
  int threads_;
  AccuracyGoal goal_;
  Outline outline_;  // of the run
  std::size_t posterior_ = 0, sample_stats_ = 0;
  std::optional<OnlineSummary> draws_;
  std::optional<ChainStatistics> statistics_;
};

}  // namespace lockstep
