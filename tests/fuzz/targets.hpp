// What is fuzzed: each target gives bytes to a reader, which must take them or refuse them with the exception that it
// documents. Anything else ends the process: a crash, another exception, a message that is none, a result that
// contradicts itself.
//
// driver.cpp makes a libFuzzer program of one target (run.sh builds and runs them); fuzz_corpus_test.cpp gives the corpus
// to all of them in every test run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep::fuzz {

using Bytes = std::span<const std::uint8_t>;

struct Target {
  const char* name;                 // its corpus is corpus/NAME
  void (*run)(Bytes input);
};

void json(Bytes input);             // Data::from_json
void csv(Bytes input);              // Data::from_csv
void init(Bytes input);             // starting values: JSON, then Starts
// Data::from_hdf5_file and read_netcdf, on a file that is put together from the input: sound HDF5, of any structure.
void hdf5(Bytes input);
// The same on the input as it is: what HDF5 itself makes of it.
void hdf5_bytes(Bytes input);

inline constexpr Target targets[] = {
    {"json", json}, {"csv", csv}, {"init", init}, {"hdf5", hdf5}, {"hdf5_bytes", hdf5_bytes}};

}  // namespace lockstep::fuzz
