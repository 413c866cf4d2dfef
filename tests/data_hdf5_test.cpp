// HDF5 and NetCDF-4 files as data sets: what variables become, and what is said about files that are no good. The files
// are written with HDF5's own interface, as netCDF4, h5py and R write them.
#include <gtest/gtest.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "host/hdf5.hpp"
#include "lockstep/data.hpp"
#include "tests/data_errors.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using h5::Handle;
using Shape = std::vector<std::int64_t>;
using Values = std::vector<double>;
using Labels = std::vector<std::string>;

class Hdf5Data : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("lockstep-hdf5-data-" + std::to_string(getpid()));
    fs::create_directories(folder_);
    file_ = H5Fcreate(path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    ASSERT_GE(file_, 0);
  }
  void TearDown() override {
    close();
    fs::remove_all(folder_);
  }
  void close() {
    if (file_ >= 0) H5Fclose(file_);
    file_ = -1;
  }

  fs::path path() const { return folder_ / "data.h5"; }

  // A data set; `values` is what `memory` says.
  hid_t write(hid_t at, const std::string& name, hid_t type, hid_t memory, const std::vector<hsize_t>& extents,
              const void* values) {
    const Handle space(H5Screate_simple(int(extents.size()), extents.data(), nullptr), H5Sclose, "make");
    const Handle set(H5Dcreate2(at, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose, "make");
    if (values) {
      EXPECT_GE(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    }
    return H5Dopen2(at, name.c_str(), H5P_DEFAULT);
  }
  void numbers(const std::string& name, const Values& values, const std::vector<hsize_t>& extents,
               hid_t type = H5T_NATIVE_DOUBLE) {
    H5Dclose(write(file_, name, type, H5T_NATIVE_DOUBLE, extents, values.data()));
  }
  void texts(const std::string& name, const std::vector<const char*>& values, bool scale = false) {
    const hid_t set = write(file_, name, h5::string_type(), h5::string_type(), {values.size()}, values.data());
    if (scale) H5DSset_scale(set, name.c_str());
    H5Dclose(set);
  }
  void attribute(const std::string& name, const std::string& key, double value) {
    H5LTset_attribute_double(file_, name.c_str(), key.c_str(), &value, 1);
  }
  Data read(const std::string& group = "/") {
    close();
    return Data::from_hdf5_file(path(), group);
  }
  void expect_refused(const std::vector<std::string>& parts) {
    close();
    expect_error([&] { Data::from_hdf5_file(path()); }, parts);
  }

  fs::path folder_;
  hid_t file_ = -1;
};

TEST_F(Hdf5Data, VariablesAreFieldsOfTheirShape) {
  numbers("y", {1, 2.5, -3}, {3});
  numbers("X", {1, 2, 3, 4, 5, 6}, {2, 3}, H5T_IEEE_F32BE);
  numbers("n", {7}, {}, H5T_STD_I64LE);
  numbers("u", {255, 0}, {2, 1, 1, 1, 1, 1, 1, 1}, H5T_STD_U8LE);
  numbers("none", {}, {0, 3});
  const Data data = read();
  EXPECT_EQ(data.fields().at("y").values, (Values{1, 2.5, -3}));
  EXPECT_EQ(data.fields().at("X").shape, (Shape{2, 3}));
  EXPECT_EQ(data.fields().at("X").values, (Values{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(data.fields().at("n").shape, Shape{});
  EXPECT_EQ(data.fields().at("n").values, Values{7});
  EXPECT_EQ(data.fields().at("u").shape, (Shape{2, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(data.fields().at("u").values, (Values{255, 0}));
  EXPECT_EQ(data.fields().at("none").shape, (Shape{0, 3}));
}

TEST_F(Hdf5Data, BooleansComeAsH5pyWritesThem) {
  const Handle boolean(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose, "make");
  for (const auto& [name, value] : {std::pair("FALSE", std::int8_t(0)), std::pair("TRUE", std::int8_t(1))})
    H5Tenum_insert(boolean, name, &value);
  const std::int8_t values[] = {1, 0, 1};
  H5Dclose(write(file_, "treated", boolean, boolean, {3}, values));
  EXPECT_EQ(read().fields().at("treated").values, (Values{1, 0, 1}));
}

TEST_F(Hdf5Data, ANullSpaceIsAnEmptyArray) {
  const Handle space(H5Screate(H5S_NULL), H5Sclose, "make");
  H5Dclose(H5Dcreate2(file_, "y", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  EXPECT_EQ(read().fields().at("y").shape, Shape{0});
}

TEST_F(Hdf5Data, MissingAndPackedValuesAreReadAsNetcdfMeansThem) {
  numbers("y", {1, -999, 3}, {3});
  attribute("y", "_FillValue", -999);
  numbers("z", {1, -1, 3}, {3}, H5T_STD_I16LE);
  attribute("z", "missing_value", -1);
  attribute("z", "scale_factor", 0.5);
  attribute("z", "add_offset", 10);
  const Data data = read();
  EXPECT_TRUE(std::isnan(data.fields().at("y").values[1]));
  EXPECT_EQ(data.fields().at("y").values[2], 3);
  EXPECT_EQ(data.fields().at("z").values[0], 10.5);
  EXPECT_TRUE(std::isnan(data.fields().at("z").values[1]));
}

TEST_F(Hdf5Data, CoordinatesLabelTheirDimensions) {
  texts("school", {"Choate", "Zürich"}, true);
  const hid_t year = write(file_, "year", H5T_NATIVE_INT, H5T_NATIVE_DOUBLE, {2}, Values{1990, 2000}.data());
  H5DSset_scale(year, "year");
  H5Dclose(year);
  const hid_t lag = write(file_, "lag", H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE, {5}, nullptr);
  H5DSset_scale(lag, "This is a netCDF dimension but not a netCDF variable.         5");
  H5Dclose(lag);
  const Data data = read();
  EXPECT_EQ(data.labels().at("school"), (Labels{"Choate", "Zürich"}));
  EXPECT_FALSE(data.fields().contains("school_idx"));
  EXPECT_EQ(data.labels().at("year"), (Labels{"1990", "2000"}));
  EXPECT_EQ(data.fields().at("year").values, (Values{1990, 2000}));
  EXPECT_EQ(data.fields().at("lag").shape, Shape{});
  EXPECT_EQ(data.fields().at("lag").values, Values{5});
  const DataViews views(data);
  Dataset set(views.view());
  EXPECT_EQ(set.dim("year").size, 2);  // labels and numbers at once
  EXPECT_EQ(set.dim("lag").size, 5);
}

TEST_F(Hdf5Data, TextAlongADimensionGroups) {
  texts("county", {"Lake", "Aitkin", "Lake"});
  numbers("aaa", {1, 2, 3}, {3});
  const char fixed[] = {'a', 'b', 'c', ' ', 'a', 'b'};
  const Handle character(H5Tcopy(H5T_C_S1), H5Tclose, "make");
  H5Dclose(write(file_, "code", character, character, {3, 2}, fixed));  // as R's ncdf4 does
  const Handle three(H5Tcopy(H5T_C_S1), H5Tclose, "make");
  H5Tset_size(three, 3);
  H5Tset_strpad(three, H5T_STR_NULLPAD);
  H5Dclose(write(file_, "padded", three, three, {2}, "abcd\0\0"));
  H5Dclose(write(file_, "remark", three, three, {}, "abc"));
  const Data data = read();
  EXPECT_EQ(data.labels().at("county"), (Labels{"Lake", "Aitkin"}));
  EXPECT_EQ(data.fields().at("county_idx").values, (Values{1, 2, 1}));
  EXPECT_EQ(data.labels().at("code"), (Labels{"ab", "c"}));
  EXPECT_EQ(data.fields().at("code_idx").values, (Values{1, 2, 1}));
  EXPECT_EQ(data.labels().at("padded"), (Labels{"abc", "d"}));
  EXPECT_FALSE(data.labels().contains("remark"));
}

TEST_F(Hdf5Data, AGroupIsReadByItsNameAndGroupsWithinAreNot) {
  const Handle outer(H5Gcreate2(file_, "study", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose, "make");
  const Handle inner(H5Gcreate2(outer, "arm", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose, "make");
  H5Dclose(write(outer, "y", H5T_NATIVE_DOUBLE, H5T_NATIVE_DOUBLE, {1}, Values{1}.data()));
  H5Dclose(write(inner, "y", H5T_NATIVE_DOUBLE, H5T_NATIVE_DOUBLE, {1}, Values{2}.data()));
  H5Lcreate_soft("/nowhere", file_, "dangling", H5P_DEFAULT, H5P_DEFAULT);
  H5Fflush(file_, H5F_SCOPE_GLOBAL);
  EXPECT_TRUE(read().fields().empty());
  EXPECT_EQ(Data::from_hdf5_file(path(), "study").fields().at("y").values, Values{1});
  EXPECT_EQ(Data::from_file(path().string() + "#study/arm").fields().at("y").values, Values{2});
  EXPECT_EQ(Data::from_file(path().string() + "#/study").fields().at("y").values, Values{1});
  for (const char* group : {"nothing", "study/y", "study/nothing", "dangling"})
    expect_error([&] { Data::from_hdf5_file(path(), group); }, {path().string(), group});
}

TEST_F(Hdf5Data, WhatIsNoFieldIsRefusedByName) {
  const Handle compound(H5Tcreate(H5T_COMPOUND, 8), H5Tclose, "make");
  H5Tinsert(compound, "x", 0, H5T_NATIVE_DOUBLE);
  H5Dclose(write(file_, "records", compound, compound, {1}, Values{1}.data()));
  expect_refused({"'records'", path().string(), "neither numbers nor text"});
}

TEST_F(Hdf5Data, MoreThanEightAxesAreRefused) {
  numbers("deep", {1}, std::vector<hsize_t>(9, 1));
  expect_refused({"'deep'", "9 axes", "8"});
}

TEST_F(Hdf5Data, TextAlongTwoAxesIsRefused) {
  const Handle text = h5::string_type();
  const char* values[] = {"a", "b"};
  H5Dclose(write(file_, "names", text, text, {1, 2}, values));
  expect_refused({"'names'", "text along 2 axes"});
}

TEST_F(Hdf5Data, ANameForAGroupAndForItsNumbersIsRefused) {
  texts("county", {"Lake"});
  numbers("county_idx", {1}, {1});
  expect_refused({"'county'", "'county_idx'"});
}

TEST_F(Hdf5Data, AnArrayBeyondMemoryIsRefusedNotRead) {
  const hsize_t extents[] = {hsize_t(1) << 40, 8}, chunk[] = {1024, 8};
  const Handle space(H5Screate_simple(2, extents, nullptr), H5Sclose, "make");
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "make");
  H5Pset_chunk(properties, 2, chunk);
  H5Dclose(H5Dcreate2(file_, "huge", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, properties, H5P_DEFAULT));
  expect_refused({path().string(), "memory"});
}

TEST_F(Hdf5Data, FilesThatAreMissingOrOfAnotherKindOrCutAreRefused) {
  numbers("y", Values(1000, 1.), {1000});
  close();
  const auto refused = [&](const std::string& name, const std::vector<std::string>& parts) {
    expect_error([&] { Data::from_hdf5_file(folder_ / name); }, parts);
  };
  refused("missing.h5", {"missing.h5", "could not be opened", "No such file"});
  refused(".", {"folder"});
  std::ofstream(folder_ / "text.nc") << "y\n1\n";
  refused("text.nc", {"text.nc", "not an HDF5 file", "nccopy"});
  expect_error([&] { Data::from_file(folder_ / "text.nc"); }, {"text.nc", "not an HDF5 file"});
  std::ofstream(folder_ / "empty.nc");
  refused("empty.nc", {"empty.nc", "not an HDF5 file"});
  for (const std::uintmax_t size : {8u, 100u, 1000u, 4000u}) {
    fs::copy_file(path(), folder_ / "cut.h5", fs::copy_options::overwrite_existing);
    fs::resize_file(folder_ / "cut.h5", size);
    refused("cut.h5", {"cut.h5"});
  }
}

TEST_F(Hdf5Data, ACrashOfTheLibraryIsFoundOutInAProcessOfItsOwn) {
  const h5::Session session;
  EXPECT_EQ(h5::signal_ending([] { std::abort(); }), SIGABRT);
  EXPECT_EQ(h5::signal_ending([] { std::raise(SIGSEGV); }), SIGSEGV);
  EXPECT_EQ(h5::signal_ending([] { throw h5::Failure("refused"); }), 0);
  EXPECT_EQ(h5::signal_ending([] {}), 0);
}

// ---- choosing a reader ------------------------------------------------------------------------------------------

TEST_F(Hdf5Data, AFileIsReadByWhatItHolds) {
  numbers("y", {1}, {1});
  close();
  fs::copy_file(path(), folder_ / "hdf5_by_content");
  const auto write = [&](const char* name, const char* text) { std::ofstream(folder_ / name) << text; };
  write("table.csv", "y\n1\n");
  write("table.tsv", "y\tz\n1\t2\n");
  write("table.txt", "y\n1\n");
  write("set.json", "{\"y\": [1]}");
  write("set", "\n {\"y\": [1]}");
  write("with#mark.json", "{\"y\": [1]}");
  for (const char* name : {"data.h5", "hdf5_by_content", "table.csv", "table.tsv", "table.txt", "set.json", "set", "with#mark.json"})
    EXPECT_EQ(Data::from_file(folder_ / name).fields().at("y").values, Values{1}) << name;
  write("brace.csv", "{\n1\n");
  EXPECT_EQ(Data::from_file(folder_ / "brace.csv").fields().at("{").values, Values{1});
  write("table.json", "y\n1\n");
  expect_error([&] { Data::from_file(folder_ / "table.json"); }, {"table.json", "not valid JSON"});
  expect_error([&] { Data::from_file(folder_ / "missing#group"); }, {"missing", "could not be opened"});
}

TEST_F(Hdf5Data, SeveralFilesAreOneDataSetIfNothingIsInTwoOfThem) {
  numbers("X", {1, 2}, {1, 2});
  close();
  const auto write = [&](const char* name, const char* text) { std::ofstream(folder_ / name) << text; };
  write("table.csv", "y,county\n1,Lake\n");
  write("set.json", R"({"s": 2, "school": ["A"], "county": 1})");
  const Data data = Data::from_files({path(), folder_ / "table.csv", folder_ / "set.json"});
  EXPECT_EQ(data.fields().size(), 5u);
  EXPECT_EQ(data.labels().size(), 2u);
  write("again.json", R"({"y": [1]})");
  expect_error([&] { Data::from_files({folder_ / "table.csv", folder_ / "again.json"}); },
               {"field 'y'", "table.csv", "again.json"});
  write("labels.json", R"({"school": ["B"]})");
  expect_error([&] { Data::from_files({folder_ / "set.json", folder_ / "labels.json"}); },
               {"dimension 'school'", "set.json", "labels.json"});
  EXPECT_TRUE(Data::from_files({}).fields().empty());
}

}  // namespace
}  // namespace lockstep
