// A new HDF5 file that survives a full disk.
//
// libhdf5 does not: what it cannot write stays in its caches, closing the file fails, and the process crashes at its
// end (seen with 1.10). So files are written through a driver of our own, which never fails. At the first write that
// goes wrong it takes note of the reason and keeps in memory what is written from then on; HDF5 ends in peace, and
// whoever writes the file asks check() and gives up.
#pragma once

#include <filesystem>
#include <memory>

#include "host/hdf5.hpp"
#include "host/partial_file.hpp"

namespace lockstep::h5 {

class OutputFile {
 public:
  // Under a partial name (see PartialFile). Needs an open Session, as everything here does.
  explicit OutputFile(const std::filesystem::path& target);
  // Begins as a copy of the file `source`.
  OutputFile(const std::filesystem::path& target, const std::filesystem::path& source);
  ~OutputFile();  // nothing is left behind, unless it was published

  operator hid_t() const { return file_; }
  // Hands over to the operating system what is in HDF5's caches. Throws std::runtime_error if that, or any write
  // before, has failed: the disk is full, for example.
  void flush();
  // Ends the file and gives it its name, as PartialFile::publish does.
  std::filesystem::path publish(bool replace);

 private:
  struct Storage;
  Handle copy_of(const std::filesystem::path& source);
  void check() const;

  PartialFile partial_;
  std::unique_ptr<Storage> storage_;
  Handle file_;

  friend struct Driver;
};

}  // namespace lockstep::h5
