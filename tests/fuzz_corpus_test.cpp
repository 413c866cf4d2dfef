// Every input that fuzzing found worth keeping goes through its reader again: what once broke one stays repaired. (What
// a target checks ends the process when it does not hold.)
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/targets.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

TEST(FuzzCorpus, IsReadOrRefusedAsDocumented) {
  for (const fuzz::Target& target : fuzz::targets) {
    const fs::path corpus = fs::path(LOCKSTEP_SOURCE_DIR "/tests/fuzz/corpus") / target.name;
    int inputs = 0;
    for (const fs::directory_entry& file : fs::directory_iterator(corpus)) {
      SCOPED_TRACE(file.path().string());
      std::ifstream stream(file.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
      target.run({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
      ++inputs;
    }
    EXPECT_GT(inputs, 0) << corpus;
  }
}

}  // namespace
}  // namespace lockstep
