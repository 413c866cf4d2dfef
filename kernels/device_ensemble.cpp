#include "kernels/device_ensemble.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "kernels/machines.hpp"

namespace lockstep {

namespace {

constexpr int ring_blocks = 2;        // of draws on the device
constexpr int first_launch_ticks = 16, most_launch_ticks = 1 << 16;
// Ticks that are queued one by one do not end when all chains are where they should be: fewer of them go together.
constexpr double queued_launch_share = 0.1;

// An array on a device.
template <class V> class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(Device& device, std::size_t count)
      : device_(&device), memory_(static_cast<V*>(device.allocate(std::max<std::size_t>(count, 1) * sizeof(V)))) {}
  DeviceArray(DeviceArray&& other) noexcept { swap(other); }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceArray() {
    if (memory_) device_->free(memory_);
  }
  V* data() const { return memory_; }

 private:
  void swap(DeviceArray& other) {
    std::swap(device_, other.device_);
    std::swap(memory_, other.memory_);
  }
  Device* device_ = nullptr;
  V* memory_ = nullptr;
};

// What the drivers of the devices and the thread that takes the draws tell each other. Blocks are numbered.
class Exchange {
 public:
  Exchange(std::size_t parts, int slots) : copied_(parts, 0), least_(parts, 0), ended_(parts, 0), slots_(slots) {}

  // ---- drivers ----
  // Waits until the host has room for the block. False: nobody wants it any more.
  bool await_room(int block) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return ending_ || block < released_ + slots_; });
    return block < released_ + slots_;
  }
  void copied(std::size_t part, int blocks) { tell([&] { copied_[part] = blocks; }); }
  // The last of the blocks may hold fewer draws than it should; `least`: draws that all chains have finished.
  void ended(std::size_t part, int blocks, double least) { tell([&] { copied_[part] = blocks, least_[part] = least, ended_[part] = 1; }); }
  void failed(std::size_t part, std::exception_ptr why) {
    tell([&] {
      ended_[part] = 1, ending_ = true;
      if (!failure_) failure_ = why;
    });
  }
  bool ending() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ending_;
  }

  // ---- the taker ----
  // Waits for the block. Draws of it that all chains have made, if it holds `first` .. `first` + `draws` - 1.
  int await(int block, double first, int draws) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] {
      if (failure_) return true;
      for (std::size_t p = 0; p < copied_.size(); ++p)
        if (copied_[p] <= block && !ended_[p]) return false;
      return true;
    });
    if (failure_) std::rethrow_exception(failure_);
    double made = draws;
    for (std::size_t p = 0; p < copied_.size(); ++p)
      if (ended_[p]) made = std::min(made, copied_[p] <= block ? 0. : std::max(least_[p] - first, 0.));
    return int(made);
  }
  void release(int block) { tell([&] { released_ = block + 1; }); }
  void end() { tell([&] { ending_ = true; }); }
  void rethrow() {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  template <class F> void tell(const F& change) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      change();
    }
    changed_.notify_all();
  }
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> copied_;       // per part: blocks that are with the host
  std::vector<double> least_;     // per part that has ended: draws that all its chains have finished
  std::vector<char> ended_;
  int slots_, released_ = 0;
  bool ending_ = false;
  std::exception_ptr failure_;
};

}  // namespace

// One device's chains.
template <class Kernel> class DeviceEnsembleOf<Kernel>::Part {
 public:
  using State = typename Kernel::template State<double>;
  using Vectors = typename Kernel::template Vectors<double>;
  Part(Device& device, const DeviceModelTable& table, const DataView& data, std::size_t number, int first_chain, int chains,
       int coordinates, std::uint64_t seed, const DeviceSettings& settings, std::int64_t data_sets)
      : device_(device), table_(table), machine_(device.machine(MachineKernels::index_of<Kernel>())), number_(number),
        data_memory_(device.data_memory()), tf32_(settings.tf32), launch_seconds_(settings.launch_seconds) {
    ErrorMessage error;
    model_.reset(table.create(&data, &data_memory_, &error.sink), table.destroy);
    if (!model_) throw DataError(error.text);
    a_.chains = chains;
    a_.coordinates = coordinates;
    a_.scratch = int(settings.scratch) * settings.geometry.slices;
    a_.geometry = settings.geometry;
    a_.settings = settings.sampler;
    a_.checkpoint_depth = settings.sampler.max_depth;
    a_.vectors_of_tile = Vectors::arrays(a_.checkpoint_depth, a_.geometry.slices);
    a_.seed = seed;
    a_.first_chain = std::uint32_t(first_chain);
    a_.data_sets = data_sets;
    const std::size_t padded = std::size_t(a_.tiles()) * std::size_t(a_.geometry.lanes);
    vectors_ = {device, std::size_t(a_.tiles()) * std::size_t(a_.tile_size())};
    states_ = {device, std::size_t(chains)};
    scratch_ = {device, padded * std::size_t(a_.scratch)};
    marked_ = {device, std::size_t(chains)};
    for (Progress& progress : progress_) {
      progress.on_device = {device, 2 * std::size_t(a_.tiles())};
      progress.on_host = device.host_memory()(2 * std::size_t(a_.tiles()));
    }
    log_density_ = {device, padded};
    if (settings.geometry.staged) make_staged_arrays(int(settings.scratch));
    if (!fused()) launch_seconds_ *= queued_launch_share;
    a_.vectors = vectors_.data();
    a_.states = states_.data();
    a_.scratch_memory = scratch_.data();
    host_states_.resize(std::size_t(chains));
    // Lanes without a chain compute too: from zeros.
    const std::vector<double> zeros(std::size_t(a_.tiles()) * std::size_t(a_.tile_size()));
    device_.copy(vectors_.data(), zeros.data(), zeros.size() * sizeof(double), Device::Stream::compute);
    write_states();
    device_.synchronise(Device::Stream::compute);
  }

  ~Part() { settle(); }
  // Waits for all that is queued. After a failure, before memory goes that launches and copies on their way still use.
  void settle() noexcept {
    for (const Device::Stream stream : {Device::Stream::compute, Device::Stream::copy}) {
      try {
        device_.synchronise(stream);
      } catch (...) {  // the failure has been told
      }
    }
  }

  // Rows on the device, as wide as all chains.
  struct Ring {
    DeviceArray<double> positions, gradients, proposals, proposal_momenta, statistics;
    int rows = 0;
  };
  // Its arrays of [coordinate].
  static std::vector<DeviceArray<double> Ring::*> kept_points(Keep keep) {
    std::vector<DeviceArray<double> Ring::*> kept{&Ring::positions};
    if (keep >= Keep::gradients) kept.push_back(&Ring::gradients);
    if (keep == Keep::proposals) kept.insert(kept.end(), {&Ring::proposals, &Ring::proposal_momenta});
    return kept;
  }
  Ring make_ring(int rows, Keep keep) {
    const std::size_t width = std::size_t(a_.tiles()) * std::size_t(a_.geometry.lanes) * std::size_t(rows);
    Ring ring;
    ring.rows = rows;
    for (const auto which : kept_points(keep)) ring.*which = {device_, width * std::size_t(a_.coordinates)};
    ring.statistics = {device_, width * draw_statistics};
    return ring;
  }
  // Rows `row` .. of the ring to this part's tiles of the block; only what this part's device had done by then.
  void copy_block(const Ring& ring, int row, const DrawBlock& block, const Device::Event& made) {
    device_.wait(Device::Stream::copy, made);
    const DrawBuffer to = block.tile(first_chain() / a_.geometry.lanes);
    const auto copy = [&](double* host, const DeviceArray<double>& from, int elements) {
      const std::size_t row_bytes = std::size_t(elements) * std::size_t(a_.geometry.lanes) * sizeof(double);
      const std::size_t bytes = row_bytes * std::size_t(std::min(block.draws(), ring.rows - row));
      device_.copy(host, row_bytes * std::size_t(block.draws()), from.data() + std::size_t(row) * row_bytes / sizeof(double),
                   row_bytes * std::size_t(ring.rows), bytes, std::size_t(a_.tiles()), Device::Stream::copy);
    };
    copy(to.positions, ring.positions, a_.coordinates);
    if (to.gradients) copy(to.gradients, ring.gradients, a_.coordinates);
    if (to.proposals) {
      copy(to.proposals, ring.proposals, a_.coordinates);
      copy(to.proposal_momenta, ring.proposal_momenta, a_.coordinates);
    }
    copy(to.statistics, ring.statistics, draw_statistics);
    device_.synchronise(Device::Stream::copy);
  }
  void copy_block(const Ring& ring, const DrawBlock& block) { copy_block(ring, 0, block, device_.record(Device::Stream::compute)); }

  // Draws begin .. end - 1 of `all`, which are in the ring from `row` on, to the moments of the half that they are in.
  void add_to_halves(const Ring& ring, int row, int begin, int end, int all, const Device::Event& made) {
    device_.wait(Device::Stream::copy, made);
    const int half = all / 2;
    const auto add = [&](Half& to, int from, int until) {
      from = std::max(from, begin);
      until = std::min(until, end);
      if (from >= until) return;
      device_.moments({ring.positions.data(), a_.chains, a_.geometry.lanes, a_.coordinates, ring.rows, row + from - begin, until - from,
                       double(to.draws), to.mean.data(), to.squares.data()}, Device::Stream::copy);
      to.draws += until - from;
    };
    add(halves_[0], 0, half);
    add(halves_[1], all - half, all);
  }
  // Of this part's chains, among `all` chains.
  void copy_half(int which, int all, ChainMoments& to) { copy_moments(halves_[std::size_t(which)].mean, halves_[std::size_t(which)].squares, all, to); }

  // One statistic of every row to the host: [tile][row][lane].
  void copy_statistic(const Ring& ring, DrawStatistic k, double* to) {
    const std::size_t lanes = std::size_t(a_.geometry.lanes), bytes = lanes * sizeof(double);
    device_.copy(to, bytes, ring.statistics.data() + std::size_t(k) * lanes, bytes * draw_statistics, bytes,
                 std::size_t(a_.tiles()) * std::size_t(ring.rows), Device::Stream::compute);
    device_.synchronise(Device::Stream::compute);
  }
  void copy_moments(const Ring& ring, const DeviceArray<double>& rows, int count, int all, ChainMoments& to) {
    const DeviceArray<double> mean(device_, moments_size()), squares(device_, moments_size());
    device_.moments({rows.data(), a_.chains, a_.geometry.lanes, a_.coordinates, ring.rows, 0, count, 0, mean.data(), squares.data()},
                    Device::Stream::compute);
    copy_moments(mean, squares, all, to);
  }

  // Of a model without linear predictors there is nothing to stage.
  void make_staged_arrays(int scratch) {
    sites_.resize(most_staged_sites);
    const int count = table_.staged_sites(model_.get(), a_.coordinates, scratch, sites_.data(), most_staged_sites);
    if (count > most_staged_sites)
      throw DeviceError("the model has " + std::to_string(count) + " linear predictors (at most " + std::to_string(most_staged_sites) +
                        " can be matrix products). Use a geometry without g.");
    sites_.resize(std::size_t(count));
    std::size_t rows = 0, columns = 0;
    for (const StagedSite& site : sites_) rows += std::size_t(site.rows), columns += std::size_t(site.columns);
    const std::size_t width = std::size_t(a_.tiles()) * std::size_t(a_.geometry.lanes), n = std::size_t(a_.coordinates);
    pulled_ = {device_, width * n * std::size_t(a_.geometry.slices)};
    staged_memory_ = {device_, width * 2 * (rows + columns) * stored_bytes()};
    char* next = staged_memory_.data();
    const auto take = [&](std::size_t elements) { return std::exchange(next, next + elements * width * stored_bytes()); };
    staged_.coefficients = take(columns);
    staged_.coefficient_adjoints = take(columns);
    staged_.predictors = take(rows);
    staged_.predictor_adjoints = take(rows);
    staged_.stride = int(width);
  }

  int chains() const { return a_.chains; }
  int tiles() const { return a_.tiles(); }
  int first_chain() const { return int(a_.first_chain); }
  double draws_done() const { return draws_done_.load(std::memory_order_relaxed); }
  double gradients_done() const { return gradients_done_.load(std::memory_order_relaxed); }
  std::vector<State>& states() { return host_states_; }

  // Whatever changes states on the device ends with read_states.
  void write_states() {
    device_.copy(states_.data(), host_states_.data(), host_states_.size() * sizeof(State), Device::Stream::compute);
    device_.synchronise(Device::Stream::compute);
  }
  void read_states() {
    device_.copy(host_states_.data(), states_.data(), host_states_.size() * sizeof(State), Device::Stream::compute);
    device_.synchronise(Device::Stream::compute);
  }

  // Saves or loads an array on the device.
  void state(Archive& archive, const DeviceArray<double>& memory, std::size_t count) {
    std::vector<double> values(count);
    if (!archive.loading()) {
      device_.copy(values.data(), memory.data(), count * sizeof(double), Device::Stream::compute);
      device_.synchronise(Device::Stream::compute);
    }
    archive.array(values.data(), count);
    if (archive.loading()) {
      device_.copy(memory.data(), values.data(), count * sizeof(double), Device::Stream::compute);
      device_.synchronise(Device::Stream::compute);
    }
  }
  void state_of_vectors(Archive& archive) { state(archive, vectors_, std::size_t(a_.tiles()) * std::size_t(a_.tile_size())); }
  void state_of_chains(Archive& archive) {
    archive.array(host_states_.data(), host_states_.size());
    if (!archive.loading()) return;
    write_states();
    double draws = 0;
    for (const State& each : host_states_) draws += each.draw;
    draws_done_ = draws;
  }
  void set_gradients_done(double gradients) { gradients_done_ = gradients; }

  // Both arrays are of all chains.
  void place(std::span<const double> positions, const std::vector<char>& moved) {
    const std::size_t n = std::size_t(a_.coordinates), lanes = std::size_t(a_.geometry.lanes), tiles = std::size_t(a_.tiles());
    const Vectors first_tile(vectors_.data(), int(lanes), a_.coordinates, a_.checkpoint_depth, a_.geometry.slices);
    std::vector<double> chosen(tiles * n * lanes);
    const std::size_t bytes = n * lanes * sizeof(double), pitch = std::size_t(a_.tile_size()) * sizeof(double);
    device_.copy(chosen.data(), bytes, first_tile.chosen.base, pitch, bytes, tiles, Device::Stream::compute);
    device_.synchronise(Device::Stream::compute);
    std::vector<char> own_moved(std::size_t(a_.chains));
    for (std::size_t c = 0; c < tiles * lanes; ++c) {
      // A lane without a chain goes with the last one: its arithmetic must be finite.
      const std::size_t chain = std::min(c, std::size_t(a_.chains) - 1), global = std::size_t(a_.first_chain) + chain;
      if (!moved[global]) continue;
      own_moved[chain] = 1;
      for (std::size_t i = 0; i < n; ++i) chosen[(c / lanes * n + i) * lanes + c % lanes] = positions[global * n + i];
    }
    device_.copy(first_tile.chosen.base, pitch, chosen.data(), bytes, bytes, tiles, Device::Stream::compute);
    device_.copy(marked_.data(), own_moved.data(), own_moved.size(), Device::Stream::compute);
    const ArriveLaunch launch{a_, marked_.data(), log_density_.data()};
    start(machine_.set_out, &launch);
    queue_gradient();
    start(machine_.arrive, &launch);
    read_states();
    gradients_done_ = gradients_done_ + double(tiles * lanes);
  }

  void set_tuning(const Tuning& tuning, const SamplerSettings& settings) {
    a_.settings = settings;
    a_.settings.trajectory_length = tuning.trajectory_length;
    log_step_ = tuning.log_step;
    const auto put = [&](DeviceArray<double>& to, const std::vector<double>& from) {
      to = {device_, from.size()};
      device_.copy(to.data(), from.data(), from.size() * sizeof(double), Device::Stream::compute);
    };
    put(scale_, tuning.metric.scale);
    put(directions_, tuning.metric.directions);
    put(stretch_less_1_, tuning.metric.stretch_less_1);
    metric_ = {scale_.data(), tuning.metric.groups(), directions_.data(), stretch_less_1_.data()};
    device_.copy(marked_.data(), tuning.own_step.data() + a_.first_chain, std::size_t(a_.chains), Device::Stream::compute);
    device_.synchronise(Device::Stream::compute);
  }

  // Advances until all chains have finished `last` draws, or it is to stop. Returns the draws that all have finished.
  double advance(const Ring& ring, int first, int last, const std::function<bool()>& stopped) {
    queue(ring, first, last, 0);
    double least = first;
    for (int parity = 0;; parity = 1 - parity) {
      queue(ring, first, last, 1 - parity);
      const bool stopping = stopped();
      least = await(parity);
      if (least < last && !stopping) continue;
      least = await(1 - parity);
      break;
    }
    read_states();
    return least;
  }

  // Makes draws first .. first + draws - 1, block k into blocks[k modulo their number]. The body of the driver's thread.
  void drive(int first, int draws, const std::vector<DrawBlock*>& blocks, Exchange& exchange, const std::function<bool()>& stopped) {
    try {
      const int block_draws = blocks[0]->draws(), count = (draws + block_draws - 1) / block_draws;
      if (const int rows = std::min(ring_blocks, count) * block_draws; ring_.rows != rows) {
        ring_ = {};  // the old one first: both may not fit
        ring_ = make_ring(rows, Keep::positions);
      }
      for (Half& half : halves_) {
        if (!half.mean.data()) half = {{device_, moments_size()}, {device_, moments_size()}};
        half.draws = 0;
      }
      const Ring& ring = ring_;
      int copied = 0;
      const auto end_of = [&](int block) { return first + std::min(draws, (block + 1) * block_draws); };
      const auto copy_out = [&](const Device::Event& made) {
        const int row = copied * block_draws % ring.rows;
        add_to_halves(ring, row, copied * block_draws, end_of(copied) - first, draws, made);
        copy_block(ring, row, *blocks[std::size_t(copied) % blocks.size()], made);
        ++copied;
      };
      const auto copy_whole_blocks = [&](double least, const Device::Event& made) {
        while (copied < count && least >= end_of(copied) && exchange.await_room(copied)) {
          copy_out(made);
          exchange.copied(number_, copied);
        }
      };
      // A launch may overwrite what has been copied out, no more.
      const auto queue_next = [&](int parity) { queue(ring, first, end_of(std::min(copied + ring_blocks, count) - 1), parity); };
      double least = first;
      queue_next(0);
      for (int parity = 0;; parity = 1 - parity) {
        queue_next(1 - parity);
        const bool stopping = stopped() || exchange.ending();
        least = await(parity);
        copy_whole_blocks(least, progress_[parity].made);
        if (copied < count && !stopping) continue;
        least = await(1 - parity);
        const Device::Event& made = progress_[1 - parity].made;
        copy_whole_blocks(least, made);
        // Of a run that was stopped, the block that was begun.
        if (copied < count && least > first + copied * block_draws && exchange.await_room(copied)) copy_out(made);
        break;
      }
      read_states();
      exchange.ended(number_, copied, least);
    } catch (...) {
      settle();
      exchange.failed(number_, std::current_exception());
    }
  }

 private:
  // Of every coordinate and chain: [coordinate][chain].
  struct Half {
    DeviceArray<double> mean, squares;
    int draws = 0;
  };
  std::size_t moments_size() const { return std::size_t(a_.coordinates) * std::size_t(a_.chains); }
  void copy_moments(const DeviceArray<double>& mean, const DeviceArray<double>& squares, int all, ChainMoments& to) {
    const std::size_t n = std::size_t(a_.coordinates), pitch = std::size_t(all) * sizeof(double), bytes = std::size_t(a_.chains) * sizeof(double);
    device_.copy(to.mean.data() + first_chain(), pitch, mean.data(), bytes, bytes, n, Device::Stream::compute);
    device_.copy(to.squares.data() + first_chain(), pitch, squares.data(), bytes, bytes, n, Device::Stream::compute);
    device_.synchronise(Device::Stream::compute);
  }

  struct Progress {
    DeviceArray<double> on_device;   // [tile]: least draws; then ticks made
    AlignedArray on_host;
    Device::Event made, told;        // the launch is done; the host knows how far it came
    int ticks = 0;
  };

  // Queues a launch, and the news of it.
  void queue(const Ring& ring, int first, int last, int parity) {
    Progress& progress = progress_[parity];
    const std::size_t tiles = std::size_t(a_.tiles());
    TickLaunch launch;
    launch.arrays = a_;
    launch.metric = metric_;
    launch.own_step = marked_.data();
    launch.log_step = log_step_;
    launch.last = last;
    launch.ticks = progress.ticks = ticks_;
    launch.log_density = log_density_.data();
    launch.positions = ring.positions.data();
    launch.gradients = ring.gradients.data();
    launch.proposals = ring.proposals.data();
    launch.proposal_momenta = ring.proposal_momenta.data();
    launch.statistics = ring.statistics.data();
    launch.first_draw = first;
    launch.rows = ring.rows;
    launch.least_draws = progress.on_device.data();
    launch.ticks_made = progress.on_device.data() + tiles;
    if (fused()) {
      start(table_.advance, model_.get(), &launch);
    } else {
      for (int tick = 0; tick < launch.ticks; ++tick) {
        start(machine_.leap, &launch);
        queue_gradient();
        start(machine_.land, &launch);
      }
    }
    progress.made = device_.record(Device::Stream::compute);
    device_.copy(progress.on_host.data(), progress.on_device.data(), 2 * tiles * sizeof(double), Device::Stream::compute);
    progress.told = device_.record(Device::Stream::compute);
  }

  bool fused() const { return fuses_with_models<Kernel> && sites_.empty(); }
  template <class Function, class... Arguments> void start(Function function, Arguments... arguments) {
    ErrorMessage error;
    if (!function(arguments..., device_.handle(Device::Stream::compute), &error.sink)) throw DeviceError(error.text);
  }

  // At the moving points.
  void queue_gradient() {
    const GradientLaunch launch{a_, log_density_.data(), staged_, pulled_.data()};
    if (sites_.empty()) {
      start(table_.gradient, model_.get(), &launch);
      return;
    }
    start(table_.arguments, model_.get(), &launch);
    multiply_all(false);
    start(table_.density, model_.get(), &launch);
    multiply_all(true);
    start(table_.pull, model_.get(), &launch);
  }

  void multiply_all(bool transposed) {
    std::int64_t rows = 0, columns = 0;
    for (const StagedSite& site : sites_) {
      const auto product = [&](const auto* x) {
        using V = std::remove_const_t<std::remove_pointer_t<decltype(x)>>;
        V* by_row = static_cast<V*>(transposed ? staged_.predictor_adjoints : staged_.predictors) + rows * staged_.stride;
        V* by_column = static_cast<V*>(transposed ? staged_.coefficient_adjoints : staged_.coefficients) + columns * staged_.stride;
        return MatrixProduct<V>{x, site.rows, site.columns, staged_.stride, transposed, transposed ? by_row : by_column,
                                transposed ? by_column : by_row};
      };
      if (table_.mixed) device_.multiply(product(site.singles), tf32_, Device::Stream::compute);
      else device_.multiply(product(site.values), Device::Stream::compute);
      rows += site.rows;
      columns += site.columns;
    }
  }
  std::size_t stored_bytes() const { return table_.mixed ? sizeof(float) : sizeof(double); }

  // Waits for the launch; the least draws of all chains.
  double await(int parity) {
    Progress& progress = progress_[parity];
    device_.wait(progress.told);
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_told_).count();
    last_told_ = now;
    const double *least = progress.on_host.data(), *ticks = least + a_.tiles();
    double all_least = least[0], most_ticks = 0, draws = 0, gradients = 0;
    for (int t = 0; t < a_.tiles(); ++t) {
      all_least = std::min(all_least, least[t]);
      most_ticks = std::max(most_ticks, ticks[t]);
      draws += least[t] * std::min(a_.geometry.lanes, a_.chains - t * a_.geometry.lanes);
      gradients += ticks[t] * a_.geometry.lanes;
    }
    draws_done_.store(draws, std::memory_order_relaxed);
    gradients_done_ = gradients_done_ + gradients;
    if (most_ticks == progress.ticks) {
      const double wanted = double(progress.ticks) * std::clamp(launch_seconds_ / seconds, 0.5, 2.);
      ticks_ = std::clamp(int(wanted), 1, most_launch_ticks);
    }
    return all_least;
  }

  Device& device_;
  const DeviceModelTable& table_;
  const MachineTable& machine_;
  std::size_t number_;
  DataMemory data_memory_;
  std::shared_ptr<void> model_;
  ChainArrays a_;
  DeviceArray<double> vectors_, scratch_, log_density_, scale_, directions_, stretch_less_1_;
  MetricView metric_;                // of these
  DeviceArray<State> states_;
  DeviceArray<char> marked_;
  std::vector<State> host_states_;
  Ring ring_;                     // of the last sampling
  std::array<Half, 2> halves_;    // of what it made
  std::vector<StagedSite> sites_;  // none: nothing is staged
  DeviceArray<char> staged_memory_;
  DeviceArray<double> pulled_;       // by the last stage of a gradient
  StagedArrays staged_;
  bool tf32_;
  std::array<Progress, 2> progress_;
  double log_step_ = 0, launch_seconds_;
  int ticks_ = first_launch_ticks;
  std::chrono::steady_clock::time_point last_told_ = std::chrono::steady_clock::now();
  std::atomic<double> draws_done_{0}, gradients_done_{0};
};

template <class Kernel>
DeviceEnsembleOf<Kernel>::DeviceEnsembleOf(std::vector<std::unique_ptr<Device>> devices, const DeviceModelTable& table, const DataView& data,
                                           int chains, int coordinates, std::uint64_t seed, const DeviceSettings& settings)
    : Ensemble(chains, coordinates, settings.sampler), devices_(std::move(devices)), geometry_(settings.geometry) {
  std::int64_t data_sets = 1;
  for (std::int64_t i = 0; i < data.field_count; ++i) data_sets = std::max(data_sets, data.fields[i].columns);
  if (geometry_.resident && !fuses_with_models<Kernel>)
    throw DeviceError("geometry " + geometry_text(geometry_) + " keeps what moves in a team's own memory (this sampler's steps are launches of "
                      "their own, and between them that is lost). Use one without r, or auto.");
  if (data_sets > 1) throw DeviceError("stacked data sets do not run on a device yet. Use the CPU.");
  const int tiles = (chains + geometry_.lanes - 1) / geometry_.lanes, count = std::min(int(devices_.size()), tiles);
  for (int p = 0; p < count; ++p) {
    const auto chain_of = [&](int part) { return std::min(chains, int(std::int64_t(tiles) * part / count) * geometry_.lanes); };
    Device& device = *devices_[std::size_t(p)];
    parts_.push_back(std::make_unique<Part>(device, table, data, std::size_t(p), chain_of(p), chain_of(p + 1) - chain_of(p),
                                            coordinates, seed, settings, data_sets));
  }
}

template <class Kernel> DeviceEnsembleOf<Kernel>::~DeviceEnsembleOf() = default;

template <class Kernel>
void DeviceEnsembleOf<Kernel>::place(std::span<const double> positions, const std::vector<char>& moved) {
  for (const auto& part : parts_) part->place(positions, moved);
}

// A ring on every device, read where it is.
template <class Kernel> class DeviceEnsembleOf<Kernel>::DeviceWindow : public Window {
  using Ring = typename Part::Ring;

 public:
  DeviceWindow(const DeviceEnsembleOf& ensemble, int first, int capacity, Keep keep)
      : Window(first, capacity), ensemble_(ensemble), keep_(keep) {
    for (const auto& part : ensemble.parts_) {
      rings_.push_back(part->make_ring(capacity, keep));
      for (std::vector<double>* statistic : {&lp_, &acceptance_})
        statistic->resize(statistic->size() + std::size_t(part->tiles() * capacity * ensemble.geometry_.lanes));
    }
  }

  double lp(int chain, int draw) const override { return read(lp_, chain, draw); }
  double acceptance(int chain, int draw) const override { return read(acceptance_, chain, draw); }
  ChainMoments positions() const override { return moments(&Ring::positions); }
  ChainMoments gradients() const override { return moments(&Ring::gradients); }
  const DrawBlock& block() override {
    if (!block_) block_.emplace(ensemble_.make_block(capacity(), keep_));
    for (std::size_t p = 0; p < rings_.size(); ++p) ensemble_.parts_[p]->copy_block(rings_[p], *block_);
    return *block_;
  }

  // Array by array, parts one after the other: the same bytes whatever they are.
  void state(Archive& archive) override {
    Window::state(archive);
    const auto add = [&](DeviceArray<double> Ring::*which, int elements) {
      for (std::size_t p = 0; p < rings_.size(); ++p) {
        Part& part = *ensemble_.parts_[p];
        part.state(archive, rings_[p].*which, std::size_t(part.tiles() * ensemble_.geometry_.lanes) * std::size_t(capacity() * elements));
      }
    };
    for (const auto which : Part::kept_points(keep_)) add(which, ensemble_.coordinates_);
    add(&Ring::statistics, draw_statistics);
    if (archive.loading()) read_statistics();
  }

  const Ring& ring(std::size_t part) const { return rings_[part]; }
  void advanced(int draws) {
    add(draws);
    read_statistics();
  }

 private:
  void read_statistics() {
    std::size_t offset = 0;
    for (std::size_t p = 0; p < rings_.size(); ++p) {
      Part& part = *ensemble_.parts_[p];
      part.copy_statistic(rings_[p], DrawStatistic::lp, lp_.data() + offset);
      part.copy_statistic(rings_[p], DrawStatistic::acceptance_rate, acceptance_.data() + offset);
      offset += std::size_t(part.tiles() * capacity() * ensemble_.geometry_.lanes);
    }
  }
  // Parts have whole tiles, one after the other.
  double read(const std::vector<double>& statistic, int chain, int draw) const {
    const int lanes = ensemble_.geometry_.lanes;
    return statistic[(std::size_t(chain / lanes) * std::size_t(capacity()) + std::size_t(draw)) * std::size_t(lanes) + std::size_t(chain % lanes)];
  }
  ChainMoments moments(DeviceArray<double> Ring::*which) const {
    ChainMoments out = ensemble_.room_for_moments();
    for (std::size_t p = 0; p < rings_.size(); ++p)
      ensemble_.parts_[p]->copy_moments(rings_[p], rings_[p].*which, draws(), ensemble_.chains_, out);
    return out;
  }

  const DeviceEnsembleOf& ensemble_;
  Keep keep_;
  std::vector<Ring> rings_;
  std::vector<double> lp_, acceptance_;
  std::optional<DrawBlock> block_;
};

template <class Kernel>
std::unique_ptr<Window> DeviceEnsembleOf<Kernel>::make_window(int first, int capacity, Keep keep) {
  return std::make_unique<DeviceWindow>(*this, first, capacity, keep);
}

template <class Kernel>
int DeviceEnsembleOf<Kernel>::advance(Window& window, int draws, const Tuning& tuning) {
  if (stopped()) return 0;  // rounds that are shorter than a launch would never see it
  auto& own = static_cast<DeviceWindow&>(window);
  const int begin = window.first() + window.draws();
  std::vector<double> least(parts_.size());
  std::vector<std::exception_ptr> failures(parts_.size());
  for (const auto& part : parts_) part->set_tuning(tuning, settings_);
  {
    std::vector<std::jthread> drivers;
    for (std::size_t p = 0; p < parts_.size(); ++p)
      drivers.emplace_back([&, p] {
        try {
          least[p] = parts_[p]->advance(own.ring(p), window.first(), begin + draws, [this] { return stopped(); });
        } catch (...) {
          failures[p] = std::current_exception();
          parts_[p]->settle();
          stop();  // the others need not go on
        }
      });
  }
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  const int made = std::max(int(*std::min_element(least.begin(), least.end())) - begin, 0);
  own.advanced(made);
  return made;
}

template <class Kernel>
int DeviceEnsembleOf<Kernel>::sample(int first, int draws, int block_draws, const Tuning& tuning, const Take& take) {
  const int rows = std::min(draws, block_draws);
  DrawBlock one = make_block(rows, Keep::positions), other = make_block(rows, Keep::positions);
  const std::vector<DrawBlock*> blocks{&one, &other};
  Exchange exchange(parts_.size(), int(blocks.size()));
  for (const auto& part : parts_) part->set_tuning(tuning, settings_);
  int done = 0;
  {
    std::vector<std::jthread> drivers;
    for (const auto& part : parts_)
      drivers.emplace_back([&, this] { part->drive(first, draws, blocks, exchange, [this] { return stopped(); }); });
    try {
      for (int k = 0; done < draws; ++k) {
        const int wanted = std::min(rows, draws - done);
        const int made = exchange.await(k, first + done, wanted);
        const bool more = take(*blocks[std::size_t(k) % blocks.size()], first + done, made);
        done += made;
        exchange.release(k);
        if (!more || made < wanted) break;
      }
    } catch (...) {
      exchange.end();
      throw;
    }
    exchange.end();
  }
  exchange.rethrow();
  halves_.clear();
  if (done < draws) return done;
  for (int half : {0, 1}) {
    halves_.push_back(room_for_moments());
    for (const auto& part : parts_) part->copy_half(half, chains_, halves_.back());
  }
  return done;
}

template <class Kernel>
void DeviceEnsembleOf<Kernel>::state(Archive& archive) {
  double gradients = gradients_done();
  archive(settings_.max_depth, gradients);
  for (const auto& part : parts_) part->state_of_vectors(archive);
  for (const auto& part : parts_) part->state_of_chains(archive);
  for (std::size_t p = 0; p < parts_.size(); ++p)
    if (archive.loading()) parts_[p]->set_gradients_done(p == 0 ? gradients : 0);
}

template <class Kernel>
void DeviceEnsembleOf<Kernel>::restart_step(const std::vector<char>& chains, double log_step) {
  for (const auto& part : parts_) {
    for (int c = 0; c < part->chains(); ++c)
      part->states()[std::size_t(c)].own_step.restart(chains[std::size_t(part->first_chain() + c)] != 0, log_step);
    part->write_states();
  }
}

template <class Kernel>
double DeviceEnsembleOf<Kernel>::own_log_step(int chain) const {
  for (const auto& part : parts_)
    if (chain < part->first_chain() + part->chains()) return part->states()[std::size_t(chain - part->first_chain())].own_step.log_averaged;
  return 0;
}

template <class Kernel>
DrawBlock DeviceEnsembleOf<Kernel>::make_block(int draws, Keep keep) const {
  return DrawBlock(chains_, coordinates_, draws, keep, geometry_.lanes, devices_[0]->host_memory());
}

template <class Kernel>
ChainMoments DeviceEnsembleOf<Kernel>::room_for_moments() const {
  const std::size_t size = std::size_t(coordinates_) * std::size_t(chains_);
  return {std::vector<double>(size), std::vector<double>(size)};
}

template <class Kernel>
double DeviceEnsembleOf<Kernel>::draws_done() const {
  double done = 0;
  for (const auto& part : parts_) done += part->draws_done();
  return done;
}

template <class Kernel>
double DeviceEnsembleOf<Kernel>::gradients_done() const {
  double done = 0;
  for (const auto& part : parts_) done += part->gradients_done();
  return done;
}

template <class Kernel>
std::string DeviceEnsembleOf<Kernel>::geometry() const {
  std::string text = "teams of " + geometry_text(geometry_) + " on";
  for (std::size_t p = 0; p < parts_.size(); ++p) text += (p > 0 ? ", " : " ") + devices_[p]->info().name;
  return text;
}

template class DeviceEnsembleOf<NutsKernel>;
template class DeviceEnsembleOf<HmcKernel>;
template class DeviceEnsembleOf<MamsKernel>;

}  // namespace lockstep
