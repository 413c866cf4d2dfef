#include "kernels/cpu/ensemble.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>
#include <optional>
#include <queue>

#include "kernels/chain_moments.hpp"
#include "kernels/cpu/launch.hpp"
#include "kernels/microcanonical.hpp"
#include "kernels/window.hpp"

namespace lockstep {

namespace {
constexpr int gradients_between_timed = 64;

std::size_t tiles_for(int chains) { return std::size_t((chains + pack_width - 1) / pack_width); }
}  // namespace

template <class Kernel> struct CpuEnsembleOf<Kernel>::Tile {
  AlignedArray memory;
  typename Kernel::template State<Pack> state;
  LaneStreams<Pack> streams;
  alignas(64) std::int64_t data_columns[pack_width] = {};
  alignas(64) double used[pack_width] = {};   // 1 for lanes that have a chain
  std::atomic<double> draws_done{0};

  void count_draws() {
    double done = 0;
    for (int l = 0; l < pack_width; ++l)
      if (used[l] > 0) done += state.draw.get(std::size_t(l));
    draws_done.store(done, std::memory_order_relaxed);
  }
};

template <class Kernel>
CpuEnsembleOf<Kernel>::CpuEnsembleOf(const ModelTable& table, const void* model, int chains, std::uint64_t seed,
                                     const SamplerSettings& settings, int threads, std::int64_t data_sets, bool mixed, int slices)
    : Ensemble(chains, int(table.layout(model)->coordinates), settings), table_(table), model_(model), slices_(slices), mixed_(mixed),
      elements_(std::size_t(Kernel::template Vectors<Pack>::arrays(settings.max_depth, 1) * coordinates_) * pack_width) {
  for (std::size_t t = 0; t < tiles_for(chains); ++t) {
    auto tile = std::make_unique<Tile>();
    tile->memory = AlignedArray(elements_);
    tile->streams.seed = seed;
    for (int l = 0; l < pack_width; ++l) {
      const int chain = int(t) * pack_width + l;
      tile->streams.chain[l] = std::uint32_t(chain);
      tile->data_columns[l] = chain % data_sets;
      tile->streams.data_set[l] = std::uint32_t(chain % data_sets);
      tile->used[l] = chain < chains ? 1. : 0.;
    }
    // A lane without a chain has nothing to do, ever.
    tile->state.draw = select(Pack::load_aligned(tile->used) > Pack(0.), Pack(0.), Pack(HUGE_VAL));
    tiles_.push_back(std::move(tile));
  }
  threads = threads > 0 ? std::min(threads, available_threads()) : available_threads();
  workers_ = std::clamp(threads / slices, 1, int(tiles_.size()));
  const std::size_t scratch = std::size_t(table.layout(model)->scratch) * pack_width;
  std::optional<UnboundThreads> unbound;
  if (slices > 1) unbound.emplace();
  for (int w = 0; w < workers_; ++w) {
    if (slices == 1) scratch_.emplace_back(scratch);
    else sliced_.push_back(std::make_unique<SlicedGradient>(table, model, slices, std::min(threads / workers_, slices)));
  }
}

template <class Kernel> CpuEnsembleOf<Kernel>::~CpuEnsembleOf() = default;

// Calls use(sampler, tile, vectors) with a sampler set up on the tile.
template <class Kernel>
template <class F>
void CpuEnsembleOf<Kernel>::on_tile(int t, int worker, const MetricView& metric, const SamplerSettings& chosen,
                                    const DrawBuffer& out, const F& use) {
  using Clock = std::chrono::steady_clock;
  Tile& tile = *tiles_[std::size_t(t)];
  double gradients = 0, timed = 0;
  Clock::duration in_timed{0};
  const Clock::time_point start = Clock::now();
  SamplerSettings settings = chosen;
  settings.patience = gradients_are_cheap_.load(std::memory_order_relaxed) ? 1 : 0;
  const auto gradient = [&](const LaneArray<Pack>& position, const LaneArray<Pack>& gradient_out) {
    alignas(64) double log_density[pack_width];
    const auto function = mixed_ ? table_.log_density_gradient_mixed : table_.log_density_gradient;
    const auto evaluate = [&] {
      if (slices_ > 1) (*sliced_[std::size_t(worker)])(position.base, log_density, gradient_out.base);
      else function(model_, position.base, log_density, gradient_out.base, scratch_[std::size_t(worker)].data(), tile.data_columns);
    };
    gradients += 1;
    if (int(gradients) % gradients_between_timed == 0) {
      const Clock::time_point before = Clock::now();
      evaluate();
      in_timed += Clock::now() - before;
      timed += 1;
    } else {
      evaluate();
    }
    if (int(gradients) % 256 == 0) tile.count_draws();
    return Pack::load_aligned(log_density);
  };
  const typename Kernel::template Vectors<Pack> vectors(tile.memory.data(), pack_width, coordinates_, settings.max_depth, 1);
  typename Kernel::template Machine<Pack, PackTeam, decltype(gradient)> machine(PackTeam{}, coordinates_, vectors, metric, settings,
                                                                               tile.streams, out, gradient);
  use(machine, tile, vectors);
  // Lanes wait for each other where that costs less than it wins; their draws are the same.
  if (timed > 0)
    gradients_are_cheap_.store(in_timed * (gradients / timed) < 0.5 * (Clock::now() - start), std::memory_order_relaxed);
  tile.count_draws();
  gradients_done_.fetch_add(gradients * pack_width, std::memory_order_relaxed);
}

template <class Kernel>
void CpuEnsembleOf<Kernel>::place(std::span<const double> positions, const std::vector<char>& moved) {
  parallel_for(int(tiles_.size()), workers_, [&](int t, int worker) {
    on_tile(t, worker, {}, settings_, {}, [&](auto& machine, Tile& tile, const auto& vectors) {
      alignas(64) double mask[pack_width] = {};
      for (int l = 0; l < pack_width; ++l) {
        const int chain = std::min(t * pack_width + l, chains_ - 1);
        // A lane without a chain copies the last one: its arithmetic must be finite, its draws go nowhere.
        const bool moves = moved[std::size_t(chain)] != 0;
        mask[l] = moves ? 1. : 0.;
        if (!moves) continue;
        for (int i = 0; i < coordinates_; ++i)
          vectors.chosen.base[i * pack_width + l] = positions[std::size_t(chain) * std::size_t(coordinates_) + std::size_t(i)];
      }
      machine.arrive(tile.state, Pack::load_aligned(mask) > Pack(0.));
    });
  });
}

namespace {

// True until a tile has had its share of a core's time. The clock is read once in a while: a tick may be shorter than that.
class TimeSlice {
 public:
  bool left() { return ++ticks_ % ticks_between_readings != 0 || std::chrono::steady_clock::now() < end_; }

 private:
  static constexpr int ticks_between_readings = 16;
  static constexpr std::chrono::milliseconds length{10};
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + length;
  int ticks_ = 0;
};

// Which tile is advanced next: the one that is furthest behind, so that whenever a run is stopped all chains have come
// about equally far.
class TileQueue {
 public:
  explicit TileQueue(int tiles) {
    for (int t = 0; t < tiles; ++t) waiting_.push({0, t});
  }
  struct Entry {
    double draws;
    int tile;
    bool operator>(const Entry& other) const { return std::pair(draws, tile) > std::pair(other.draws, other.tile); }
  };
  bool take(Entry& entry) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (waiting_.empty()) return false;
    entry = waiting_.top();
    waiting_.pop();
    return true;
  }
  void put_back(const Entry& entry) {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push(entry);
  }

 private:
  std::mutex mutex_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> waiting_;
};

}  // namespace

// Of the tile's chains, the one that is furthest behind.
template <class Kernel>
double CpuEnsembleOf<Kernel>::least_draws(const Tile& tile) const {
  double least = HUGE_VAL;
  for (int l = 0; l < pack_width; ++l)
    if (tile.used[l] > 0) least = std::min(least, tile.state.draw.get(std::size_t(l)));
  return least;
}

namespace {

class CpuWindow : public Window {
 public:
  CpuWindow(int chains, int coordinates, int first, int capacity, Keep keep)
      : Window(first, capacity), coordinates_(coordinates), block_(chains, coordinates, capacity, keep, pack_width) {}
  double lp(int chain, int draw) const override { return block_.statistic(chain, draw, DrawStatistic::lp); }
  double acceptance(int chain, int draw) const override { return block_.statistic(chain, draw, DrawStatistic::acceptance_rate); }
  ChainMoments positions() const override { return moments(block_.tile(0).positions); }
  ChainMoments gradients() const override { return moments(block_.tile(0).gradients); }
  const DrawBlock& block() override { return block_; }
  void state(Archive& archive) override {
    Window::state(archive);
    archive(block_);
  }
  void advanced(int draws) { add(draws); }

 private:
  ChainMoments moments(const double* rows) const {
    const std::size_t size = std::size_t(coordinates_) * std::size_t(block_.chains());
    ChainMoments out{std::vector<double>(size), std::vector<double>(size)};
    const MomentsLaunch all{rows, block_.chains(), pack_width, coordinates_, capacity(), 0, draws(), 0, out.mean.data(), out.squares.data()};
    for (int i = 0; i < coordinates_; ++i)
      for (int c = 0; c < block_.chains(); ++c) chain_moments(all, i, c);
    return out;
  }
  int coordinates_;
  DrawBlock block_;
};

}  // namespace

template <class Kernel>
std::unique_ptr<Window> CpuEnsembleOf<Kernel>::make_window(int first, int capacity, Keep keep) {
  return std::make_unique<CpuWindow>(chains_, coordinates_, first, capacity, keep);
}

template <class Kernel>
int CpuEnsembleOf<Kernel>::advance(Window& window, int draws, const Tuning& tuning) {
  const int made = advance(window.block(), window.first(), window.first() + window.draws(), draws, tuning);
  static_cast<CpuWindow&>(window).advanced(made);
  return made;
}

template <class Kernel>
int CpuEnsembleOf<Kernel>::sample(int first, int draws, int block_draws, const Tuning& tuning, const Take& take) {
  int done = 0;
  for (bool more = true; more && done < draws;) {
    const int wanted = std::min(block_draws, draws - done);
    const DrawBlock block(chains_, coordinates_, wanted, Keep::positions, pack_width);
    const int made = advance(block, first + done, first + done, wanted, tuning);
    more = take(block, first + done, made) && made == wanted;
    done += made;
  }
  return done;
}

template <class Kernel>
int CpuEnsembleOf<Kernel>::advance(const DrawBlock& block, int first, int begin, int draws, const Tuning& tuning) {
  const MetricView metric = tuning.metric.view();
  SamplerSettings settings = settings_;
  settings.trajectory_length = tuning.trajectory_length;
  const int last = begin + draws;
  TileQueue queue(int(tiles_.size()));
  // When the queue is empty, the tiles that are left are with other workers, which see to them until they are done.
  const auto work = [&](int worker) {
    for (TileQueue::Entry entry; !stopped() && queue.take(entry);) {
      const int t = entry.tile;
      bool finished = false;
      on_tile(t, worker, metric, settings, block.tile(t, first), [&](auto& machine, Tile& tile, const auto&) {
        alignas(64) double own[pack_width] = {};
        for (int l = 0; l < pack_width; ++l) {
          const int chain = t * pack_width + l;
          own[l] = chain < chains_ && tuning.own_step[std::size_t(chain)] ? 1. : 0.;
        }
        TimeSlice slice;
        finished = machine.advance(tile.state, last, Pack(tuning.log_step), Pack::load_aligned(own) > Pack(0.),
                                [&] { return !stopped() && slice.left(); });
        entry.draws = least_draws(tile);
      });
      if (!finished) queue.put_back(entry);
    }
  };
  parallel_for(workers_, workers_, [&](int, int worker) { work(worker); });
  double least = last;
  for (const auto& tile : tiles_) least = std::min(least, least_draws(*tile));
  return std::max(int(least) - begin, 0);
}

template <class Kernel>
void CpuEnsembleOf<Kernel>::restart_step(const std::vector<char>& chains, double log_step) {
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    alignas(64) double mask[pack_width] = {};
    for (int l = 0; l < pack_width; ++l) {
      const std::size_t chain = t * pack_width + std::size_t(l);
      mask[l] = chain < chains.size() && chains[chain] ? 1. : 0.;
    }
    tiles_[t]->state.own_step.restart(Pack::load_aligned(mask) > Pack(0.), Pack(log_step));
  }
}

template <class Kernel>
double CpuEnsembleOf<Kernel>::own_log_step(int chain) const {
  return tiles_[std::size_t(chain / pack_width)]->state.own_step.log_averaged.get(std::size_t(chain % pack_width));
}

template <class Kernel>
double CpuEnsembleOf<Kernel>::draws_done() const {
  double done = 0;
  for (const auto& tile : tiles_) done += tile->draws_done.load(std::memory_order_relaxed);
  return done;
}

template <class Kernel>
void CpuEnsembleOf<Kernel>::state(Archive& archive) {
  double gradients = gradients_done_;
  archive(settings_.max_depth, gradients);
  gradients_done_ = gradients;
  for (const auto& tile : tiles_) {
    archive.array(tile->memory.data(), elements_);
    archive(tile->state);
    tile->count_draws();
  }
}

template <class Kernel>
std::string CpuEnsembleOf<Kernel>::geometry() const {
  return "cpu, packs of " + std::to_string(pack_width) + " lanes" + (slices_ > 1 ? ", " + std::to_string(slices_) + " slices" : "");
}

template class CpuEnsembleOf<NutsKernel>;
template class CpuEnsembleOf<HmcKernel>;
template class CpuEnsembleOf<MamsKernel>;

}  // namespace lockstep
