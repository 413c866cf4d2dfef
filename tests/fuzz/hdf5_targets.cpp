// HDF5 files of any structure. The input says what is in them: its bytes are used up as numbers, one by one.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "host/hdf5.hpp"
#include "host/netcdf.hpp"
#include "tests/fuzz/checks.hpp"
#include "tests/fuzz/targets.hpp"

namespace lockstep::fuzz {

namespace {

namespace fs = std::filesystem;

// The input as a sequence of choices; zeros after its end.
class Choices {
 public:
  explicit Choices(Bytes input) : input_(input) {}
  bool empty() const { return input_.empty(); }
  std::uint8_t byte() {
    if (input_.empty()) return 0;
    const std::uint8_t first = input_.front();
    input_ = input_.subspan(1);
    return first;
  }
  // 0, ..., count - 1.
  std::size_t below(std::size_t count) { return byte() % count; }
  bool one_in(std::size_t count) { return below(count) == count - 1; }

 private:
  Bytes input_;
};

// A closed identifier is worth as much as an open one here: what HDF5 refuses to make is not in the file.
struct Id {
  hid_t id;
  herr_t (*close)(hid_t);
  Id(hid_t i, herr_t (*c)(hid_t)) : id(i), close(c) {}
  Id(const Id&) = delete;
  ~Id() {
    if (id >= 0) close(id);
  }
  operator hid_t() const { return id; }
};

class Builder {
 public:
  Builder(const fs::path& path, Bytes input) : path_(path), choose_(input) {}

  void build() {
    const h5::Session quiet;
    const Id properties(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    if (choose_.one_in(2)) H5Pset_link_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    const Id file(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, properties, H5P_DEFAULT), H5Fclose);
    require(file >= 0, "the file can be made");
    for (std::size_t n = choose_.below(4); n > 0; --n) add_variable(file);
    for (std::size_t n = 1 + choose_.below(3); n > 0 && !choose_.empty(); --n) {
      const Id group(H5Gcreate2(file, name().c_str(), H5P_DEFAULT, properties_for_group(), H5P_DEFAULT), H5Gclose);
      if (group < 0) continue;
      for (std::size_t k = choose_.below(8); k > 0; --k) add_variable(group);
      for (std::size_t k = choose_.below(3); k > 0; --k) add_attribute(group);
      if (choose_.one_in(8)) H5Lcreate_soft("/nowhere", group, name().c_str(), H5P_DEFAULT, H5P_DEFAULT);
      if (choose_.one_in(8)) H5Lcreate_hard(file, "/", group, name().c_str(), H5P_DEFAULT, H5P_DEFAULT);
    }
  }

 private:
  std::string name() {
    static constexpr std::array names{"posterior", "sample_stats", "observed_data", "chain", "draw", "school", "theta",
                                      "y", "superchain_id", "county", "county_idx", "lp", "mu"};
    const std::size_t which = choose_.below(names.size() + 2);
    if (which < names.size()) return names[which];
    std::string any;
    for (std::size_t n = 1 + choose_.below(4); n > 0; --n) any += char(choose_.byte());
    return any;
  }

  hid_t properties_for_group() { return H5P_DEFAULT; }

  hid_t type(int depth = 0) {
    switch (choose_.below(depth < 2 ? 22 : 14)) {
      case 0: return H5Tcopy(H5T_IEEE_F32BE);
      case 1: return H5Tcopy(H5T_STD_I8LE);
      case 2: return H5Tcopy(H5T_STD_U64BE);
      case 3: return H5Tcopy(H5T_STD_I64LE);
      case 4: return H5Tcopy(H5T_NATIVE_LDOUBLE);
      case 5: return H5Tcopy(H5T_STD_B16LE);
      case 6: return H5Tcopy(H5T_UNIX_D32LE);
      case 7: return H5Tcopy(H5T_STD_REF_OBJ);
      case 8: {
        const hid_t opaque = H5Tcreate(H5T_OPAQUE, 1 + choose_.below(16));
        H5Tset_tag(opaque, "tag");
        return opaque;
      }
      case 9: {
        const hid_t text = H5Tcopy(H5T_C_S1);
        H5Tset_size(text, 1 + choose_.below(6));
        H5Tset_strpad(text, H5T_str_t(choose_.below(3)));
        if (choose_.one_in(2)) H5Tset_cset(text, H5T_CSET_UTF8);
        return text;
      }
      case 10:
      case 11: {
        const hid_t text = H5Tcopy(H5T_C_S1);
        H5Tset_size(text, H5T_VARIABLE);
        if (choose_.one_in(2)) H5Tset_cset(text, H5T_CSET_UTF8);
        return text;
      }
      case 12: {
        const hid_t boolean = H5Tenum_create(H5T_NATIVE_INT8);
        for (int value = 0; value < 2; ++value) {
          const std::int8_t of = std::int8_t(value);
          H5Tenum_insert(boolean, value ? "TRUE" : "FALSE", &of);
        }
        return boolean;
      }
      case 13: {
        // An integer or a float of odd sizes.
        const hid_t odd = H5Tcopy(choose_.one_in(2) ? H5T_STD_I32LE : H5T_IEEE_F64LE);
        H5Tset_precision(odd, 1 + choose_.below(64));
        H5Tset_offset(odd, choose_.below(8));
        return odd;
      }
      case 14: return nested(H5T_VLEN, depth);
      case 15: return nested(H5T_COMPOUND, depth);
      case 16: return nested(H5T_ARRAY, depth);
      default: return H5Tcopy(H5T_IEEE_F64LE);
    }
  }
  hid_t nested(H5T_class_t kind, int depth) {
    const Id base(type(depth + 1), H5Tclose);
    if (kind == H5T_VLEN) return H5Tvlen_create(base);
    const hsize_t extents[] = {1 + choose_.below(3)};
    if (kind == H5T_ARRAY) return H5Tarray_create2(base, 1, extents);
    const hid_t compound = H5Tcreate(H5T_COMPOUND, 8 + std::max<std::size_t>(H5Tget_size(base), 1));
    H5Tinsert(compound, "a", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(compound, "b", 8, base);
    return compound;
  }

  hid_t space() {
    if (choose_.one_in(16)) return H5Screate(choose_.one_in(2) ? H5S_NULL : H5S_SCALAR);
    std::vector<hsize_t> extents(choose_.below(4) + (choose_.one_in(16) ? 7 : 0));
    // Few, or more than any memory holds: what lies between is read, and slow.
    for (hsize_t& extent : extents) extent = choose_.one_in(64) ? hsize_t(1) << (40 + choose_.below(23)) : choose_.below(5);
    return extents.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(int(extents.size()), extents.data(), nullptr);
  }

  // As many bytes as `type` and `space` take; none if they are many, or hold addresses.
  std::vector<std::uint8_t> content(hid_t of, hid_t in) {
    const hssize_t count = H5Sget_simple_extent_npoints(in);
    const bool plain = H5Tdetect_class(of, H5T_VLEN) <= 0 && H5Tis_variable_str(of) <= 0 && H5Tdetect_class(of, H5T_REFERENCE) <= 0 &&
                       H5Tdetect_class(of, H5T_STRING) <= 0;
    const bool text = H5Tget_class(of) == H5T_STRING && H5Tis_variable_str(of) <= 0;
    if (count <= 0 || count > 4096 || (!plain && !text)) return {};
    std::vector<std::uint8_t> bytes(std::size_t(count) * H5Tget_size(of));
    for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 64); ++i) bytes[i] = choose_.byte();
    return bytes;
  }
  // Texts of any length, and the pointers to them that HDF5 takes.
  std::vector<std::string> texts(hssize_t count) {
    std::vector<std::string> all(std::size_t(std::clamp<hssize_t>(count, 0, 64)));
    for (std::string& each : all)
      for (std::size_t n = choose_.below(4); n > 0; --n) each += char(choose_.byte());
    return all;
  }
  template <class Write> void fill(hid_t of, hid_t in, const Write& write) {
    if (const std::vector<std::uint8_t> bytes = content(of, in); !bytes.empty()) write(bytes.data());
    const hssize_t count = H5Sget_simple_extent_npoints(in);
    if (H5Tis_variable_str(of) <= 0 || count <= 0 || count > 64 || choose_.one_in(8)) return;
    const std::vector<std::string> all = texts(count);
    std::vector<const char*> pointers;
    for (const std::string& each : all) pointers.push_back(each.c_str());
    write(pointers.data());
  }

  void add_variable(hid_t at) {
    const std::string called = name();
    const Id of(type(), H5Tclose), in(space(), H5Sclose);
    if (of < 0 || in < 0) return;
    const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    const int rank = H5Sget_simple_extent_ndims(in);
    if (rank > 0 && choose_.one_in(2)) {
      const std::vector<hsize_t> chunk(std::size_t(rank), 1 + choose_.below(3));
      H5Pset_chunk(properties, rank, chunk.data());
      if (choose_.one_in(2)) H5Pset_deflate(properties, 1);
    }
    const Id set(H5Dcreate2(at, called.c_str(), of, in, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose);
    if (set < 0) return;
    fill(of, in, [&](const void* values) { H5Dwrite(set, of, H5S_ALL, H5S_ALL, H5P_DEFAULT, values); });
    for (std::size_t n = choose_.below(3); n > 0; --n) add_attribute(set);
    if (choose_.one_in(3)) {
      H5DSset_scale(set, choose_.one_in(3) ? "This is a netCDF dimension but not a netCDF variable.         3" : called.c_str());
    } else {
      for (int axis = 0; axis < rank && axis < 4; ++axis) {
        const Id scale(H5Dopen2(at, name().c_str(), H5P_DEFAULT), H5Dclose);
        if (scale >= 0 && H5DSis_scale(scale) > 0 && !has_own_marks(set) && !has_own_marks(scale))
          H5DSattach_scale(set, scale, unsigned(axis));
      }
    }
  }

  void add_attribute(hid_t at) {
    static constexpr std::array names{"dtype", "_FillValue", "missing_value", "scale_factor", "add_offset", "model", "CLASS",
                                      "NAME", "REFERENCE_LIST", "DIMENSION_LIST"};
    const std::string called = names[choose_.below(names.size())];
    const Id of(type(1), H5Tclose), in(space(), H5Sclose);
    const Id attribute(H5Acreate2(at, called.c_str(), of, in, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (attribute < 0) return;
    fill(of, in, [&](const void* values) { H5Awrite(attribute, of, values); });
    if (std::find(names.begin() + 6, names.end(), called) != names.end()) with_own_marks_.insert(address(at));
  }

  // libhdf5 1.10 crashes (H5DSattach_scale) on marks of a dimension that it has not made.
  bool has_own_marks(hid_t set) const { return with_own_marks_.contains(address(set)); }
  static haddr_t address(hid_t object) {
    H5O_info_t info{};
    H5Oget_info2(object, &info, H5O_INFO_BASIC);
    return info.addr;
  }

  fs::path path_;
  Choices choose_;
  std::set<haddr_t> with_own_marks_;
};

// Sizes that contradict each other would be read outside of arrays later.
void require_sound(const Fit& fit) {
  for (const Group& group : fit.groups)
    for (const Variable& variable : group.variables) {
      require(variable.dims.size() == variable.shape.size(), "a variable has as many names as extents");
      const std::size_t draws = group.per_draw ? fit.chains * fit.draws_of(group) : 1;
      require(variable.values.size() == variable.size() * draws, "a variable has as many values as its shape and draws");
    }
  for (const Dimension& dimension : fit.dimensions)
    require(dimension.labels.empty() || dimension.labels.size() == dimension.size, "a dimension has a label for each element");
}

template <class Read> void read(const Read& from) {
  try {
    from();
  } catch (const std::runtime_error& error) {  // DataError is one
    require_message(error);
  }
}

void read_both(const fs::path& path) {
  read([&] { fuzz::require_sound(Data::from_hdf5_file(path)); });
  read([&] { fuzz::require_sound(Data::from_hdf5_file(path, "posterior")); });
  read([&] { require_sound(read_netcdf(path)); });
  read([&] { require_sound(read_netcdf(path, {"posterior"})); });
}

// In memory where there is such a folder.
fs::path scratch_file() {
  const fs::path memory = "/dev/shm";
  return (fs::exists(memory) ? memory : fs::temp_directory_path()) / ("lockstep-fuzz-" + std::to_string(getpid()) + ".h5");
}

}  // namespace

void hdf5(Bytes input) {
  static const fs::path path = scratch_file();
  Builder(path, input).build();
  read_both(path);
  fs::remove(path);
}

void hdf5_bytes(Bytes input) {
  static const fs::path path = scratch_file();
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(input.data()), std::streamsize(input.size()));
  read_both(path);
  fs::remove(path);
}

}  // namespace lockstep::fuzz
