// Random numbers on a GPU: Philox's integers are the host's and cuRAND's, bit for bit; normals differ by rounding.
#include "device_random.hpp"
#include "gpu.hpp"
#include "kernels/lane_random.hpp"
#include "lockstep/random.hpp"

namespace lockstep {
namespace {

using GpuRandom = OnGpu;

bool equal(const Philox4& a, const Philox4& b) { return std::equal(a.v, a.v + 4, b.v); }

TEST_F(GpuRandom, PhiloxGivesTheIntegersOfTheHostAndOfCurand) {
  Stream words({.seed = 20250303});
  std::vector<PhiloxInput> inputs;
  for (int i = 0; i < 100000; ++i) {
    PhiloxInput input;
    for (std::uint32_t& word : input.counter.v) word = words.bits32();
    for (std::uint32_t& word : input.key.v) word = words.bits32();
    inputs.push_back(input);
  }
  inputs.push_back({{{0, 0, 0, 0}}, {{0, 0}}});
  inputs.push_back({{{~0u, ~0u, ~0u, ~0u}}, {{~0u, ~0u}}});
  const DeviceBlocks blocks = philox_on_device(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Philox4 host = philox(inputs[i].counter, inputs[i].key);
    ASSERT_TRUE(equal(blocks.ours[i], host)) << "input " << i;
    ASSERT_TRUE(equal(blocks.curands[i], host)) << "input " << i;
  }
}

// Logarithm, square root, sine and cosine of an ulp or two; the largest normal is 8.6.
TEST_F(GpuRandom, NormalsAreTheHostsButForRounding) {
  constexpr int pairs = 50000;
  LaneStreams<double> streams;
  streams.seed = 0x123456789abcdefull;
  streams.chain[0] = 77;
  const std::vector<double> device = normals_on_device(streams.seed, 77, 13, pairs);
  for (int k = 0; k < pairs; ++k) {
    const NormalPair<double> host =
        normal_pair(consecutive_blocks(streams, 0, Purpose::transition, 13, std::uint64_t(k)));
    ASSERT_NEAR(device[std::size_t(2 * k)], host.first, 1e-14) << "pair " << k;
    ASSERT_NEAR(device[std::size_t(2 * k + 1)], host.second, 1e-14) << "pair " << k;
  }
}

}  // namespace
}  // namespace lockstep
