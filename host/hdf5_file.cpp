#include "host/hdf5_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>
#include <vector>

namespace lockstep::h5 {

// Bytes at addresses: in the file, and, from the first write on that failed, in memory.
struct OutputFile::Storage {
  explicit Storage(int descriptor) : file(descriptor) {}

  const int file;
  int error = 0;  // errno of the first write that failed

  void write(haddr_t address, std::size_t size, const char* bytes) {
    if (error == 0 && !write_to_file(address, size, bytes)) error = errno;
    if (error != 0)
      by_pages(address, size, [&](haddr_t page, std::size_t at, std::size_t count) {
        std::memcpy(in_memory(page).data() + at, bytes, count);
        bytes += count;
      });
  }

  bool read(haddr_t address, std::size_t size, char* bytes) const {
    if (error == 0) return read_from_file(address, size, bytes);
    bool well = true;
    by_pages(address, size, [&](haddr_t page, std::size_t at, std::size_t count) {
      const auto kept = pages_.find(page);
      if (kept != pages_.end())
        std::memcpy(bytes, kept->second.data() + at, count);
      else
        well = well && read_from_file(page * page_size + at, count, bytes);
      bytes += count;
    });
    return well;
  }

  void copy(const std::filesystem::path& source) {
    const int from = ::open(source.c_str(), O_RDONLY | O_CLOEXEC);
    if (from < 0) {
      error = errno;
      return;
    }
    std::vector<char> some(std::size_t{1} << 20);
    haddr_t done = 0;
    for (ssize_t got = 0; error == 0 && (got = ::read(from, some.data(), some.size())) != 0;) {
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 || !write_to_file(done, std::size_t(got), some.data())) error = errno;
      done += haddr_t(std::max<ssize_t>(got, 0));
    }
    ::close(from);
  }
  haddr_t size() const {
    struct stat status {};
    return fstat(file, &status) == 0 ? haddr_t(status.st_size) : 0;
  }

  void resize(haddr_t size) {
    if (error == 0 && ftruncate(file, off_t(size)) != 0) error = errno;
  }

 private:
  static constexpr std::size_t page_size = 4096;

  // Calls use(page, first byte of it, bytes) for each page in turn.
  template <class F>
  static void by_pages(haddr_t address, std::size_t size, const F& use) {
    while (size > 0) {
      const std::size_t at = address % page_size, count = std::min(size, page_size - at);
      use(address / page_size, at, count);
      address += count;
      size -= count;
    }
  }

  std::vector<char>& in_memory(haddr_t page) {
    const auto [place, is_new] = pages_.try_emplace(page, page_size);
    if (is_new) read_from_file(page * page_size, page_size, place->second.data());
    return place->second;
  }

  bool write_to_file(haddr_t address, std::size_t size, const char* bytes) const {
    while (size > 0) {
      const ssize_t written = pwrite(file, bytes, size, off_t(address));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes += written;
      address += haddr_t(written);
      size -= std::size_t(written);
    }
    return true;
  }

  // Beyond the end there are zeros.
  bool read_from_file(haddr_t address, std::size_t size, char* bytes) const {
    while (size > 0) {
      const ssize_t got = pread(file, bytes, size, off_t(address));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return false;
      if (got == 0) break;
      bytes += got;
      address += haddr_t(got);
      size -= std::size_t(got);
    }
    std::memset(bytes, 0, size);
    return true;
  }

  std::map<haddr_t, std::vector<char>> pages_;
};

// HDF5's interface of a driver. Its first member is what HDF5 takes it for.
struct Driver {
  using Storage = OutputFile::Storage;

  H5FD_t base{};
  Storage* storage = nullptr;
  haddr_t end = 0;      // of what HDF5 has allotted
  haddr_t written = 0;  // of what it has written

  static Driver& of(H5FD_t* file) { return *reinterpret_cast<Driver*>(file); }
  static const Driver& of(const H5FD_t* file) { return *reinterpret_cast<const Driver*>(file); }

  static H5FD_t* open(const char*, unsigned, hid_t access, haddr_t) noexcept {
    try {
      auto* driver = new Driver;
      driver->storage = *static_cast<Storage* const*>(H5Pget_driver_info(access));
      driver->written = driver->storage->size();
      return &driver->base;
    } catch (...) {
      return nullptr;
    }
  }
  static herr_t close(H5FD_t* file) noexcept {
    delete &of(file);
    return 0;
  }
  static herr_t query(const H5FD_t*, unsigned long* flags) noexcept {
    if (flags)
      *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
               H5FD_FEAT_AGGREGATE_SMALLDATA;  // as HDF5's own driver for plain files
    return 0;
  }
  static haddr_t get_eoa(const H5FD_t* file, H5FD_mem_t) noexcept { return of(file).end; }
  static herr_t set_eoa(H5FD_t* file, H5FD_mem_t, haddr_t address) noexcept {
    of(file).end = address;
    return 0;
  }
  static haddr_t get_eof(const H5FD_t* file, H5FD_mem_t) noexcept { return of(file).written; }
  static herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* buffer) noexcept {
    return of(file).storage->read(address, size, static_cast<char*>(buffer)) ? 0 : -1;
  }
  static herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, const void* buffer) noexcept {
    try {
      of(file).storage->write(address, size, static_cast<const char*>(buffer));
      of(file).written = std::max(of(file).written, address + size);
      return 0;
    } catch (...) {
      return -1;  // out of memory
    }
  }
  static herr_t truncate(H5FD_t* file, hid_t, hbool_t) noexcept {
    Driver& driver = of(file);
    if (driver.end == driver.written) return 0;
    driver.storage->resize(driver.end);
    driver.written = driver.end;
    return 0;
  }

  static hid_t id() {
    static const H5FD_class_t functions = [] {
      H5FD_class_t f{};
#if H5_VERSION_GE(1, 13, 0)
      f.version = H5FD_CLASS_VERSION;
      f.value = H5FD_class_value_t(4711);  // any number that HDF5 leaves to others
#endif
      f.name = "lockstep";
      f.maxaddr = (haddr_t(1) << (8 * sizeof(off_t) - 1)) - 1;
      f.fc_degree = H5F_CLOSE_WEAK;
      f.fapl_size = sizeof(Storage*);
      f.open = open;
      f.close = close;
      f.query = query;
      f.get_eoa = get_eoa;
      f.set_eoa = set_eoa;
      f.get_eof = get_eof;
      f.read = read;
      f.write = write;
      f.truncate = truncate;
      constexpr H5FD_mem_t kinds[] = H5FD_FLMAP_DICHOTOMY;
      std::copy(std::begin(kinds), std::end(kinds), f.fl_map);
      return f;
    }();
    static const hid_t registered = H5FDregister(&functions);
    return registered;
  }

  static Handle access_by(Storage* storage) {
    static_assert(std::is_standard_layout_v<Driver> && offsetof(Driver, base) == 0);
    Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "make a property list");
    check(H5Pset_driver(access, id(), &storage), "choose how files are written");
    check(H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18), "choose the format");  // as netCDF does
    return access;
  }
  static Handle create(Storage* storage) {
    const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "make a property list");
    constexpr unsigned in_order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
    check(H5Pset_link_creation_order(creation, in_order), "track groups");
    check(H5Pset_attr_creation_order(creation, in_order), "track attributes");
    return Handle(H5Fcreate("lockstep", H5F_ACC_TRUNC, creation, access_by(storage)), H5Fclose, "make a file");
  }
  static Handle open_copy(Storage* storage) {
    return Handle(H5Fopen("lockstep", H5F_ACC_RDWR, access_by(storage)), H5Fclose, "open the file");
  }
};

OutputFile::OutputFile(const std::filesystem::path& target)
    : partial_(target),
      storage_(std::make_unique<Storage>(partial_.descriptor())),
      file_(Driver::create(storage_.get())) {}

OutputFile::OutputFile(const std::filesystem::path& target, const std::filesystem::path& source)
    : partial_(target), storage_(std::make_unique<Storage>(partial_.descriptor())), file_(copy_of(source)) {}

Handle OutputFile::copy_of(const std::filesystem::path& source) {
  storage_->copy(source);
  check();
  return Driver::open_copy(storage_.get());
}

OutputFile::~OutputFile() = default;

void OutputFile::check() const {
  if (storage_->error != 0) cannot_write(partial_.target(), storage_->error);
}

void OutputFile::flush() {
  h5::check(H5Fflush(file_, H5F_SCOPE_GLOBAL), "write the file");
  check();
}

std::filesystem::path OutputFile::publish(bool replace) {
  file_.close("finish the file");
  check();
  return partial_.publish(replace);
}

}  // namespace lockstep::h5
