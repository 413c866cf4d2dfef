// Data sets: what JSON gives, what a model's constructor binds, and what is said about everything that does not fit.
#include "lockstep/data.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "host/host_model.hpp"
#include "lockstep/model_table.hpp"
#include "models/eight_schools.hpp"
#include "models/gauss_mix.hpp"
#include "models/radon.hpp"
#include "models/std_normal.hpp"
#include "tests/data_errors.hpp"

namespace lockstep {
namespace {

using Shape = std::vector<std::int64_t>;
using Values = std::vector<double>;

constexpr double infinity = std::numeric_limits<double>::infinity();

Data json(const std::string& text) { return Data::from_json(text, "data.json"); }

void expect_json_error(const std::string& text, const std::vector<std::string>& parts) {
  expect_error([&] { json(text); }, parts);
}

// A data set that is ready to be bound; what it is made of lives beside it.
struct Bindable {
  Data data;
  DataViews views{data};
  Dataset set{views.view()};
  explicit Bindable(Data d) : data(std::move(d)) {}
  explicit Bindable(const std::string& text) : data(json(text)) {}
};
// What binding by `bind(dataset)` says about the data.
template <class F>
void expect_binding_error(const std::string& text, const F& bind, const std::vector<std::string>& parts) {
  Bindable b(text);
  expect_error([&] { bind(b.set); }, parts);
}

// ---- JSON ---------------------------------------------------------------------------------------------------------

TEST(Json, NumbersArraysAndRowsBecomeFieldsOfTheirShape) {
  const Data data = json(R"({"a": 3, "b": [1, 2.5, -3e2], "c": [[1, 2, 3], [4, 5, 6]], "d": [[[1], [2]]], "e": -0.0})");
  EXPECT_EQ(data.fields().at("a").shape, Shape{});
  EXPECT_EQ(data.fields().at("a").values, Values{3});
  EXPECT_EQ(data.fields().at("b").shape, Shape{3});
  EXPECT_EQ(data.fields().at("b").values, (Values{1, 2.5, -300}));
  EXPECT_EQ(data.fields().at("c").shape, (Shape{2, 3}));
  EXPECT_EQ(data.fields().at("c").values, (Values{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(data.fields().at("d").shape, (Shape{1, 2, 1}));
  EXPECT_TRUE(std::signbit(data.fields().at("e").values[0]));
  EXPECT_EQ(data.data_sets(), 1);
}

TEST(Json, NumbersKeepAllTheirDigits) {
  const Data data = json(R"({"y": [0.1, 1.7976931348623157e308, 5e-324, 9007199254740991, 123456789012345678]})");
  EXPECT_EQ(data.fields().at("y").values,
            (Values{0.1, std::numeric_limits<double>::max(), 5e-324, 9007199254740991., 123456789012345678.}));
}

TEST(Json, NotANumberAndInfinitiesComeAsStringsInAnySpelling) {
  const Data data = json(R"({"y": ["NaN", "nan", "Inf", "+inf", "Infinity", "-Inf", "-infinity", 1], "z": "NaN"})");
  const Values& y = data.fields().at("y").values;
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]));
  EXPECT_EQ(Values(y.begin() + 2, y.end()), (Values{infinity, infinity, infinity, -infinity, -infinity, 1}));
  EXPECT_TRUE(std::isnan(data.fields().at("z").values[0]));
  EXPECT_TRUE(data.labels().empty());
}

TEST(Json, NotANumberAndInfinitiesComeAsPythonWritesThem) {
  const Data data = json(R"({"y": [NaN, Infinity, -Infinity, 2], "school": ["NaN \"Infinity", "a\\"], "z": NaN})");
  const Values& y = data.fields().at("y").values;
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(Values(y.begin() + 1, y.end()), (Values{infinity, -infinity, 2}));
  EXPECT_EQ(data.labels().at("school"), (std::vector<std::string>{"NaN \"Infinity", "a\\"}));
  EXPECT_TRUE(std::isnan(data.fields().at("z").values[0]));
}

TEST(Json, BooleansCountAsZeroAndOne) {
  const Data data = json(R"({"treated": [true, false, true], "flag": true})");
  EXPECT_EQ(data.fields().at("treated").values, (Values{1, 0, 1}));
  EXPECT_EQ(data.fields().at("flag").values, Values{1});
}

TEST(Json, AnArrayOfStringsLabelsADimension) {
  const Data data = json(R"({"school": ["Choate", "St. Paul's", "Zürich"], "mixed": ["NaN", "Berlin"]})");
  EXPECT_EQ(data.labels().at("school"), (std::vector<std::string>{"Choate", "St. Paul's", "Zürich"}));
  EXPECT_EQ(data.labels().at("mixed"), (std::vector<std::string>{"NaN", "Berlin"}));
  EXPECT_TRUE(data.fields().empty());
}

TEST(Json, EmptyArraysKeepTheAxesTheyShow) {
  const Data data = json(R"({"a": [], "b": [[], [], []]})");
  EXPECT_EQ(data.fields().at("a").shape, Shape{0});
  EXPECT_EQ(data.fields().at("b").shape, (Shape{3, 0}));
  EXPECT_TRUE(data.fields().at("b").values.empty());
}

TEST(Json, AnEmptyObjectIsADataSetWithoutFields) { EXPECT_TRUE(json("{}").fields().empty()); }

TEST(Json, AByteOrderMarkIsSkipped) { EXPECT_EQ(json("\xEF\xBB\xBF{\"y\": 1}").fields().at("y").values, Values{1}); }

TEST(Json, RaggedRowsAreRefused) {
  expect_json_error(R"({"y": [[1], [2, 3]]})", {"field 'y'", "length 2 at element 2", "length 1"});
  expect_json_error(R"({"y": [[1, 2], [3], [4, 5]]})", {"field 'y'", "length 1 at element 2", "length 2"});
  expect_json_error(R"({"y": [[[1, 2], [3, 4]], [[5, 6], [7]]]})", {"field 'y'", "length 1 at element [2, 2]"});
  expect_json_error(R"({"y": [[], [1]]})", {"field 'y'", "length 1 at element 2", "length 0"});
  expect_json_error(R"({"y": [[1], []]})", {"field 'y'", "length 0 at element 2", "length 1"});
}

TEST(Json, RowsOfDifferentDepthAreRefused) {
  expect_json_error(R"({"y": [1, [2]]})", {"field 'y'", "an array at element 2", "numbers"});
  expect_json_error(R"({"y": [[1], 2]})", {"field 'y'", "a number at element 2", "arrays"});
  expect_json_error(R"({"y": [[], 2]})", {"field 'y'", "a number at element 2", "arrays"});
  expect_json_error(R"({"y": [[1, [2]]]})", {"field 'y'", "an array at element [1, 2]", "numbers"});
}

TEST(Json, TextNullAndObjectsAreRefusedWhereNumbersBelong) {
  expect_json_error(R"({"y": [1, "two"]})", {"field 'y'", "\"two\" at element 2", "number"});
  expect_json_error(R"({"y": [1, "2"]})", {"field 'y'", "\"2\" at element 2", "number"});
  expect_json_error(R"({"y": "12"})", {"field 'y'", "\"12\"", "number"});
  expect_json_error(R"({"y": [["a", "b"], ["c", "d"]]})", {"field 'y'", "\"a\" at element [1, 1]"});
  expect_json_error(R"({"y": [["a"], [1]]})", {"field 'y'", "\"a\" at element [1, 1]"});
  expect_json_error(R"({"y": ["Choate", 2]})", {"field 'y'", "\"Choate\" at element 1"});
  expect_json_error(R"({"y": [1, null]})", {"field 'y'", "null at element 2", "NaN"});
  expect_json_error(R"({"y": null})", {"field 'y'", "null"});
  expect_json_error(R"({"y": {"a": 1}})", {"field 'y'", "an object"});
  expect_json_error(R"({"y": [{"a": 1}, {"a": 2}]})", {"field 'y'", "an object at element 1"});
  expect_json_error(R"({"y": [[1, 2], null]})", {"field 'y'", "null at element 2"});
}

TEST(Json, LongTextIsCutInMessagesBetweenCharacters) {
  std::string text = "{\"y\": [1, \"x";
  for (int i = 0; i < 10000; ++i) text += "ü";
  expect_json_error(text + "\"]}", {"field 'y'", "\"xüüüüü", "..."});
  const std::string message = message_of([&] { json(text + "\"]}"); });
  for (std::size_t i = message.find("xü"); i < message.find("..."); ++i)
    EXPECT_TRUE(message[i] != '\xC3' || message[i + 1] == '\xBC');
}

TEST(Json, AFieldGivenTwiceIsRefused) {
  expect_json_error(R"({"y": [1, 2], "z": 1, "y": [3]})", {"field 'y'", "twice"});
}

TEST(Json, WhatIsNotJsonIsRefusedWithItsPlace) {
  expect_json_error("", {"data.json", "empty"});
  expect_json_error(" \n\t", {"data.json", "empty"});
  expect_json_error("{\"y\": [1, 2\n", {"data.json", "not valid JSON", "line 2"});
  expect_json_error("{'y': 1}", {"data.json", "not valid JSON", "line 1, column 2"});
  expect_json_error("{\"y\": [1, 2,]}", {"not valid JSON", "line 1, column 13"});
  expect_json_error("{\"y\": 1} trailing", {"not valid JSON"});
  expect_json_error("{\"y\": [NaN, oops]}", {"not valid JSON"});
  expect_json_error("y,sigma\n28,15\n", {"not valid JSON", "line 1, column 1"});
  expect_json_error(std::string("\x89HDF\r\n\x1A\n\0\0\0", 11), {"not valid JSON"});
  expect_json_error("{\"y\": \"\xFF\"}", {"not valid JSON"});
}

TEST(Json, WhatIsNoObjectIsRefused) {
  expect_json_error("[1, 2]", {"data.json", "an array", "object"});
  expect_json_error("3", {"data.json", "3", "object"});
  expect_json_error("null", {"data.json", "null", "object"});
  expect_json_error("\"y\"", {"data.json", "\"y\"", "object"});
}

TEST(Json, ANumberBeyondTheLargestDoubleIsRefused) {
  expect_json_error(R"({"y": [1, 1e999]})", {"data.json", "not valid JSON", "1e999"});
}

TEST(Json, DeepNestingIsRefusedNotFollowed) {
  for (const int depth : {9, 100, 1000000}) {
    const std::string opened(std::size_t(depth), '['), closed(std::size_t(depth), ']');
    expect_json_error("{\"y\": " + opened + "1" + closed + "}", {"field 'y'", "nested"});
    std::string objects;
    for (int i = 0; i < depth; ++i) objects += "{\"a\":";
    expect_json_error("{\"y\": [" + objects, {"field 'y'", "nested"});
  }
  const Data data = json("{\"y\": [[[[[[[[7]]]]]]]]}");
  EXPECT_EQ(data.fields().at("y").shape, Shape(8, 1));
}

// ---- files --------------------------------------------------------------------------------------------------------

TEST(JsonFile, IsReadWhole) {
  const auto path = std::filesystem::temp_directory_path() / "lockstep_data_test.json";
  std::ofstream(path) << R"({"y": [1, 2]})";
  EXPECT_EQ(Data::from_json_file(path).fields().at("y").values, (Values{1, 2}));
  std::filesystem::remove(path);
}

TEST(JsonFile, ThatIsMissingOrAFolderOrUnreadableIsRefusedByName) {
  const auto read = [](const std::filesystem::path& path) { return [path] { Data::from_json_file(path); }; };
  expect_error(read("no/such/file.json"), {"no/such/file.json", "could not be opened", "No such file"});
  expect_error(read(std::filesystem::temp_directory_path()),
               {std::filesystem::temp_directory_path().string(), "folder"});
  expect_error(read(std::string(300, 'a')), {"could not be opened", "too long"});
  expect_error(read(""), {"could not be opened"});
}

TEST(JsonFile, TheExampleDataOfTheZooAreDataSets) {
  for (const auto& entry : std::filesystem::directory_iterator(LOCKSTEP_SOURCE_DIR "/models/data"))
    EXPECT_NO_THROW(Data::from_json_file(entry.path())) << entry.path();
}

// ---- setting by hand ----------------------------------------------------------------------------------------------

TEST(Data, OneNumberInBracesIsAnArray) {
  Data data;
  data.set("one", {28.});
  data.set("none", {});
  data.set("number", 28.);
  EXPECT_EQ(data.fields().at("one").shape, Shape{1});
  EXPECT_EQ(data.fields().at("none").shape, Shape{0});
  EXPECT_EQ(data.fields().at("number").shape, Shape{});
}

TEST(Data, ShapesThatDoNotHoldTheirValuesAreRefused) {
  Data data;
  expect_error([&] { data.set("y", Data::Field{{2, 3}, Values(5), 1}); }, {"field 'y'", "5 values", "[2, 3]", "6"});
  expect_error([&] { data.set("y", Data::Field{{2}, Values(2), 3}); }, {"field 'y'", "2 values", "3 data sets", "6"});
  expect_error([&] { data.set("y", Data::Field{{-1, -1}, Values(1), 1}); }, {"field 'y'", "[-1, -1]"});
  expect_error([&] { data.set("y", Data::Field{{1}, {}, 0}); }, {"field 'y'", "0 data sets"});
  expect_error([&] { data.set("y", Data::Field{{std::int64_t(1) << 62, 8}, {}, 1}); }, {"field 'y'"});
  expect_error([&] { data.set("X", std::vector<Values>{{1, 2}, {3}}); }, {"field 'X'", "1 elements", "2"});
  EXPECT_NO_THROW(data.set("y", Data::Field{{0, std::int64_t(1) << 62}, {}, 1}));
  EXPECT_NO_THROW(data.set("X", std::vector<Values>{}));
}

TEST(Data, GroupsNameTheirElementsAndCountFromOne) {
  Data data;
  data.set_groups("county", {"Lake", "Aitkin", "", "Lake"});
  EXPECT_EQ(data.labels().at("county"), (std::vector<std::string>{"Lake", "Aitkin"}));
  const Values& index = data.fields().at("county_idx").values;
  EXPECT_EQ((Values{index[0], index[1], index[3]}), (Values{1, 2, 1}));
  EXPECT_TRUE(std::isnan(index[2]));
  expect_error([&] { data.set_groups("county", {"Lake"}); }, {"text 'county'", "field 'county_idx'"});
}

TEST(Data, NamesAndLabelsAreTextThatOthersCanRead) {
  Data data;
  expect_error([&] { data.set(std::string("y\0z", 3), 1); }, {"zero byte"});
  expect_error([&] { data.set_option(std::string("K\0", 2), 1); }, {"zero byte"});
  expect_error([&] { data.set_labels("school", {"A", "Z\xFCrich"}); }, {"label 2", "'school'", "UTF-8"});
  expect_json_error("{\"school\": [\"a\\u0000b\"]}", {"label 1", "'school'"});
}

TEST(Data, ALabelGivenTwiceIsRefused) {
  Data data;
  expect_error([&] { data.set_labels("school", {"A", "B", "A"}); }, {"dimension 'school'", "'A'", "elements 1 and 3"});
  expect_json_error(R"({"school": ["A", "A"]})", {"dimension 'school'", "'A'"});
}

// ---- binding ------------------------------------------------------------------------------------------------------

TEST(Binding, FieldsAndDimensionsAreFoundByName) {
  Bindable b(R"({"school": ["A", "B"], "y": [1, 2], "n": [3, 4], "g": [2, 1], "X": [[1, 2, 3], [4, 5, 6]], "s": 0.5})");
  Dataset& d = b.set;
  const Dim school = d.dim("school"), column = d.dim("column");
  EXPECT_EQ(school.size, 2);
  EXPECT_EQ(column.size, -1);
  EXPECT_EQ(d.real("y", school).dim.size, 2);
  EXPECT_EQ(d.integer("n", school).field.values[1], 4);
  const GroupIndex g = d.index("g", school, school);
  EXPECT_EQ(g.positions[0], 1);
  const Index first{0, school.id};
  EXPECT_EQ(g[first].position, 1);
  const Matrix X = d.matrix("X", school, column);
  EXPECT_EQ(X.columns().size, 3);
  EXPECT_EQ(X.values[5], 6);
  EXPECT_EQ(d.dim("column").size, 3);
  EXPECT_EQ(d.scalar("s").field.values[0], 0.5);
  EXPECT_NO_THROW(d.require_sizes());
  const Real twice = d.derived("twice", school, [&](int i) { return 2. * i; });
  EXPECT_EQ(twice.field.values[1], 2);
}

TEST(Binding, TheTablesOfAFieldHoldWhatDensitiesNeed) {
  Bindable b(R"({"y": [4, 0, -1]})");
  const Real y = b.set.real("y", b.set.dim("i"));
  const auto at = [&](FieldData::Table table, int i) { return y.field.table(table)[i]; };
  EXPECT_EQ(at(FieldData::value, 0), 4);
  EXPECT_EQ(at(FieldData::logarithm, 0), std::log(4.));
  EXPECT_EQ(at(FieldData::inverse, 0), 0.25);
  EXPECT_EQ(at(FieldData::logarithm, 1), -infinity);
  EXPECT_EQ(at(FieldData::inverse, 1), infinity);
  EXPECT_TRUE(std::isnan(at(FieldData::logarithm, 2)));
  // log 4! = (4 + 1/2) log 4 - 4 + log(2 pi)/2 + stirling_error(4)
  EXPECT_NEAR(at(FieldData::count_term, 0),
              std::log(24.) - 4 * std::log(4.) + 4 - 0.5 * std::log(2 * 3.141592653589793), 1e-14);
  EXPECT_EQ(at(FieldData::count_term, 1), 0);
}

TEST(Binding, AMissingFieldIsNamedWithWhatThereIs) {
  expect_binding_error(R"({"Y": [1], "sigma": [2]})", [](Dataset& d) { d.real("y", d.dim("i")); },
                       {"field 'y'", "missing", "array of numbers", "Y, sigma"});
  expect_binding_error("{}", [](Dataset& d) { d.scalar("s"); }, {"field 's'", "missing", "nothing"});
  expect_binding_error(R"({"X": 1})", [](Dataset& d) { d.matrix("x", d.dim("i"), d.dim("j")); }, {"field 'x'", "rows"});
}

TEST(Binding, NumbersInQuotesAreNotTakenForAMissingField) {
  expect_binding_error(R"({"y": ["28", "8"]})", [](Dataset& d) { d.real("y", d.dim("i")); },
                       {"field 'y'", "array of text", "array of numbers", "without quotes"});
}

TEST(Binding, LabelsWithoutElementsAreTextToo) {
  Data data;
  data.set_labels("y", {});
  Bindable b(data);
  EXPECT_EQ(b.set.dim("y").size, 0);
  expect_error([&] { b.set.real("y", b.set.dim("i")); }, {"field 'y'", "an array of text (the model needs"});
}

TEST(Binding, TextAmongNumbersIsShown) {
  Data data;
  data.set_groups("y", {"28", "12O", "8"});
  Bindable b(data);
  expect_error([&] { b.set.real("y", b.set.dim("i")); }, {"field 'y'", "text, such as '12O'", "'y_idx'"});
}

TEST(Binding, AWrongRankSaysBothShapes) {
  expect_binding_error(R"({"y": 1})", [](Dataset& d) { d.real("y", d.dim("i")); },
                       {"field 'y'", "one number", "an array of numbers"});
  expect_binding_error(R"({"y": [[1], [2]]})", [](Dataset& d) { d.real("y", d.dim("i")); },
                       {"field 'y'", "shape [2, 1]", "an array of numbers"});
  expect_binding_error(R"({"s": [1]})", [](Dataset& d) { d.scalar("s"); }, {"field 's'", "shape [1]", "one number"});
  expect_binding_error(R"({"s": []})", [](Dataset& d) { d.scalar("s"); }, {"field 's'", "shape [0]", "one number"});
  expect_binding_error(R"({"X": [1, 2]})", [](Dataset& d) { d.matrix("X", d.dim("i"), d.dim("j")); },
                       {"field 'X'", "shape [2]", "rows"});
  expect_binding_error(R"({"X": [[[1]]]})", [](Dataset& d) { d.matrix("X", d.dim("i"), d.dim("j")); },
                       {"field 'X'", "shape [1, 1, 1]", "rows"});
  expect_binding_error(R"({"g": [[1]]})", [](Dataset& d) { d.index("g", d.dim("i"), d.dim("j")); },
                       {"field 'g'", "shape [1, 1]"});
}

TEST(Binding, SizesThatDisagreeNameBothSources) {
  const auto bind = [](Dataset& d) {
    const Dim school = d.dim("school");
    d.real("y", school);
    d.real("sigma", school);
  };
  expect_binding_error(R"({"y": [1, 2], "sigma": [1, 2, 3]})", bind,
                       {"field 'sigma'", "3 elements", "'school'", "size 2", "by field 'y'"});
  expect_binding_error(R"({"school": ["A"], "y": [1, 2]})", bind, {"field 'y'", "2 elements", "size 1", "its labels"});
  expect_binding_error(R"({"school": 3, "y": [1, 2]})", bind, {"field 'y'", "2 elements", "size 3", "the size given"});
  expect_binding_error(R"({"school": 0, "y": [1]})", bind, {"field 'y'", "1 elements", "size 0"});
  expect_binding_error(R"({"X": [[1, 2], [3, 4]], "b": [1, 2, 3]})",
                       [](Dataset& d) {
                         const Dim row = d.dim("row"), column = d.dim("column");
                         d.matrix("X", row, column);
                         d.real("b", column);
                       },
                       {"field 'b'", "3 elements", "'column'", "size 2", "field 'X'"});
  expect_binding_error(R"({"b": [1, 2, 3], "X": [[1, 2], [3, 4]]})",
                       [](Dataset& d) {
                         const Dim row = d.dim("row"), column = d.dim("column");
                         d.real("b", column);
                         d.matrix("X", row, column);
                       },
                       {"field 'X'", "2 columns", "size 3", "field 'b'"});
  // One dimension for both axes: the matrix must be square.
  expect_binding_error(R"({"K": [[1, 2]]})", [](Dataset& d) { d.matrix("K", d.dim("i"), d.dim("i")); },
                       {"field 'K'", "2 columns", "size 1", "field 'K'"});
}

TEST(Binding, LabelsAndSizeOfADimensionMustAgree) {
  Data data;
  data.set_labels("school", {"A", "B"});
  data.set("school", 2);
  EXPECT_EQ(Bindable(data).set.dim("school").size, 2);
  data.set("school", 3);
  Bindable b(data);
  expect_error([&] { b.set.dim("school"); }, {"dimension 'school'", "2 labels", "size 3"});
}

TEST(Binding, ADimensionsSizeIsAWholeNumberOfSensibleSize) {
  const auto dim = [](Dataset& d) { d.dim("school"); };
  expect_binding_error(R"({"school": -1})", dim, {"'school'", "-1", "dimension", "0 to 2147483647"});
  expect_binding_error(R"({"school": 2.5})", dim, {"'school'", "2.5", "whole number"});
  expect_binding_error(R"({"school": "NaN"})", dim, {"'school'", "NaN", "whole number"});
  expect_binding_error(R"({"school": "Inf"})", dim, {"'school'", "inf", "whole number"});
  expect_binding_error(R"({"school": 2147483648})", dim, {"'school'", "2147483648", "2147483647"});
  expect_binding_error(R"({"school": 1e300})", dim, {"'school'", "1e+300"});
  expect_binding_error(R"({"school": [1990, 1991]})", dim, {"'school'", "shape [2]", "strings"});
  expect_binding_error(R"({"school": [[]]})", dim, {"'school'", "shape [1, 0]"});
  EXPECT_EQ(Bindable(R"({"school": 8.0})").set.dim("school").size, 8);
  EXPECT_EQ(Bindable(R"({"school": -0.0})").set.dim("school").size, 0);
  EXPECT_EQ(Bindable(R"({"school": 2147483647})").set.dim("school").size, 2147483647);
  EXPECT_EQ(Bindable(R"({"school": []})").set.dim("school").size, 0);
}

TEST(Binding, ADimensionWithoutASizeIsNamed) {
  expect_binding_error(R"({"g": [1, 2]})",
                       [](Dataset& d) {
                         d.index("g", d.dim("house"), d.dim("county"));
                         d.require_sizes();
                       },
                       {"dimension 'county'", "no size", "labels"});
}

TEST(Binding, AFieldAlongADimensionThatIsNotBoundIsRefused) {
  for (const int id : {-1, 7})
    expect_binding_error(R"({"y": [1]})",
                         [&](Dataset& d) {
                           d.real("y", Dim{id, 0, 1});
                         },
                         {"field 'y'", "dimension", "Declare"});
  expect_binding_error(R"({"g": [1]})", [](Dataset& d) { d.index("g", d.dim("i"), Dim{}); },
                       {"field 'g'", "dimension"});
}

TEST(Binding, MissingValuesAreNamedByTheirPlace) {
  expect_binding_error(R"({"n": [1, "NaN"]})", [](Dataset& d) { d.integer("n", d.dim("i")); },
                       {"field 'n'", "NaN at element 2"});
  expect_binding_error(R"({"g": [1, NaN]})", [](Dataset& d) { d.index("g", d.dim("i"), d.dim("j")); },
                       {"field 'g'", "NaN at element 2"});
  expect_binding_error(R"({"s": "NaN"})", [](Dataset& d) { d.scalar("s"); }, {"field 's'", "NaN"});
  expect_binding_error(R"({"y": [1, 0]})",
                       [](Dataset& d) {
                         const Dim i = d.dim("i");
                         const Real y = d.real("y", i);
                         d.derived("logit", i,
                                   [&](int k) { return std::log(y.field.values[k]) - std::log(y.field.values[k]); });
                       },
                       {"column 'logit'", "NaN at element 2"});
}

TEST(Binding, InfiniteValuesAreNamedByTheirPlace) {
  expect_binding_error(R"({"y": [1, "-Inf"]})", [](Dataset& d) { d.real("y", d.dim("i")); },
                       {"field 'y'", "-inf at element 2", "finite"});
  expect_binding_error(R"({"X": [[1, 2, 3], [4, Infinity, 6]]})", [](Dataset& d) { d.matrix("X", d.dim("i"), d.dim("j")); },
                       {"field 'X'", "inf at element [2, 2]", "finite"});
  expect_binding_error(R"({"s": "Inf"})", [](Dataset& d) { d.scalar("s"); }, {"field 's'", "is inf", "finite"});
  expect_binding_error(R"({"y": [1, 0]})",
                       [](Dataset& d) {
                         const Dim i = d.dim("i");
                         const Real y = d.real("y", i);
                         d.derived("log_y", i, [&](int k) { return std::log(y.field.values[k]); });
                       },
                       {"column 'log_y'", "-inf at element 2"});
}

TEST(Binding, CountsThatAreNotWholeAreNamedByTheirPlace) {
  const auto bind = [](Dataset& d) { d.integer("n", d.dim("i")); };
  expect_binding_error(R"({"n": [1, 2.5]})", bind, {"field 'n'", "2.5 at element 2", "whole numbers"});
  expect_binding_error(R"({"n": [1, Infinity]})", bind, {"field 'n'", "inf at element 2", "finite"});
  expect_binding_error(R"({"n": [1e-9]})", bind, {"field 'n'", "1e-09 at element 1"});
  Bindable whole(R"({"n": [-1, 0, true, 3.0, 1e15]})");
  EXPECT_NO_THROW(bind(whole.set));
}

TEST(Binding, IndicesOutsideTheirDimensionAreNamedByTheirPlace) {
  const auto bind = [](Dataset& d) { d.index("g", d.dim("house"), d.dim("county")); };
  expect_binding_error(R"({"county": 3, "g": [1, 4]})", bind, {"index 'g'", "4 at element 2", "'county'", "1 to 3"});
  expect_binding_error(R"({"county": 3, "g": [0, 1]})", bind, {"index 'g'", "0 at element 1", "1 to 3"});
  expect_binding_error(R"({"county": 3, "g": [-0.0]})", bind, {"index 'g'", "0 at element 1"});
  expect_binding_error(R"({"county": 3, "g": [-2]})", bind, {"index 'g'", "-2 at element 1"});
  expect_binding_error(R"({"county": 3, "g": [1.5]})", bind, {"index 'g'", "1.5 at element 1", "whole numbers"});
  expect_binding_error(R"({"county": 3, "g": [Infinity]})", bind, {"field 'g'", "inf at element 1"});
  expect_binding_error(R"({"county": 0, "g": [1]})", bind, {"index 'g'", "1 at element 1", "1 to 0"});
  // The county's size may still be unknown: then only what no size could hold is refused.
  expect_binding_error(R"({"g": [1e300]})", bind, {"index 'g'", "1e+300 at element 1", "its size"});
  expect_binding_error(R"({"g": [0]})", bind, {"index 'g'", "0 at element 1"});
  Bindable large(R"({"g": [1000000]})");
  EXPECT_NO_THROW(bind(large.set));
}

TEST(Binding, EmptyArraysStandForNoElementsOnAnyAxes) {
  Bindable b(R"({"row": 0, "column": 3, "y": [], "X": [], "g": []})");
  const Dim row = b.set.dim("row"), column = b.set.dim("column");
  EXPECT_EQ(b.set.real("y", row).dim.size, 0);
  const Matrix X = b.set.matrix("X", row, column);
  EXPECT_EQ(X.rows().size, 0);
  EXPECT_EQ(X.columns().size, 3);
  EXPECT_EQ(b.set.index("g", row, column).dim.size, 0);
  expect_binding_error(R"({"y": [1], "X": []})",
                       [](Dataset& d) {
                         d.real("y", d.dim("row"));
                         d.matrix("X", d.dim("row"), d.dim("column"));
                       },
                       {"field 'X'", "0 rows", "size 1"});
  expect_binding_error(R"({"X": []})",
                       [](Dataset& d) {
                         d.matrix("X", d.dim("row"), d.dim("column"));
                         d.require_sizes();
                       },
                       {"dimension 'column'", "no size"});
}

TEST(Binding, NamesThatDifferOnlyInCaseAreDifferent) {
  Bindable b(R"({"y": [1, 2], "Y": [3]})");
  EXPECT_EQ(b.set.real("y", b.set.dim("i")).dim.size, 2);
  EXPECT_EQ(b.set.real("Y", b.set.dim("j")).dim.size, 1);
}

// ---- options ------------------------------------------------------------------------------------------------------

TEST(Options, AreTheModelsDefaultsUntilTheyAreSet) {
  Data data;
  Bindable none(data);
  EXPECT_EQ(none.set.option("K", 2), 2);
  EXPECT_EQ(none.set.option("scale", 2.5), 2.5);
  EXPECT_FALSE(none.set.option("centred", false));
  data.set_option("K", 5);
  data.set_option("scale", 0.25);
  data.set_option("centred", 1);
  Bindable set(data);
  EXPECT_EQ(set.set.option("K", 2), 5);
  EXPECT_EQ(set.set.option("scale", 2.5), 0.25);
  EXPECT_TRUE(set.set.option("centred", false));
  EXPECT_NO_THROW(set.set.require_known_options());
}

TEST(Options, OfAnotherKindThanTheModelsAreRefused) {
  Data data;
  data.set_option("K", 2.5);
  Bindable b(data);
  expect_error([&] { b.set.option("K", 2); }, {"option 'K'", "2.5", "whole number"});
  expect_error([&] { b.set.option("K", true); }, {"option 'K'", "2.5", "true or false"});
  data.set_option("K", 3e9);
  Bindable large(data);
  expect_error([&] { large.set.option("K", 2); }, {"option 'K'", "3000000000"});
  data.set_option("K", infinity);
  Bindable infinite(data);
  expect_error([&] { infinite.set.option("K", 2.); }, {"option 'K'", "inf", "a number"});
}

TEST(Options, ThatTheModelDoesNotHaveAreNamedWithThoseThatItHas) {
  Data data;
  data.set_option("k", 5);
  Bindable b(data);
  b.set.option("K", 2);
  b.set.option("K", 2);
  b.set.option("centred", true);
  expect_error([&] { b.set.require_known_options(); }, {"no option 'k'", "K = 2, centred = 1)"});
  Data schools = json(R"({"y": [1, 2], "sigma": [1, 1]})");
  schools.set_option("K", 5);
  expect_error([&] { HostModel(*model_table<models::EightSchools>(), schools); }, {"no option 'K'", "none"});
}

TEST(Options, MayFixTheSizeOfADimension) {
  Data data;
  data.set_option("K", 3);
  data.set_labels("state", {"low", "high"});
  data.set("y", {1., 2., 3.});
  Bindable b(data);
  const int K = b.set.option("K", 2);
  const Dim lag = b.set.dim("lag", K);
  EXPECT_EQ(lag.size, 3);
  EXPECT_EQ(b.set.dim("lag").size, 3);
  EXPECT_EQ(b.set.real("y", lag).dim.size, 3);
  EXPECT_EQ(b.set.dim("state", 2).size, 2);
  expect_error([&] { b.set.dim("state", K); }, {"dimension 'state'", "size 3", "options", "size 2", "labels"});
  expect_error([&] { b.set.dim("new", -1); }, {"dimension 'new'", "-1"});
}

// ---- many data sets as one ----------------------------------------------------------------------------------------

TEST(Stacking, FieldsThatDifferGetAColumnPerDataSetAndEqualOnesStayShared) {
  const Data stacked = Data::stack({json(R"({"school": ["A", "B"], "y": [1, 2], "s": 5, "n": "NaN", "t": 1})"),
                                    json(R"({"school": ["A", "B"], "y": [3, 4], "s": 5, "n": "NaN", "t": 2})"),
                                    json(R"({"school": ["A", "B"], "y": [5, 6], "s": 5, "n": "NaN", "t": 3})")});
  EXPECT_EQ(stacked.data_sets(), 3);
  EXPECT_EQ(stacked.fields().at("y").columns, 3);
  EXPECT_EQ(stacked.fields().at("y").shape, Shape{2});
  EXPECT_EQ(stacked.fields().at("y").values, (Values{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(stacked.fields().at("s").columns, 1);
  EXPECT_EQ(stacked.fields().at("n").columns, 1);
  EXPECT_EQ(stacked.fields().at("t").values, (Values{1, 2, 3}));
}

TEST(Stacking, SetsThatAreNotAlikeAreRefused) {
  const auto stack = [](const char* a, const char* b) { return [=] { Data::stack({json(a), json(b)}); }; };
  expect_error([] { Data::stack({}); }, {"no data sets"});
  expect_error(stack(R"({"y": [1]})", R"({"y": [1, 2]})"), {"field 'y'", "shape"});
  expect_error(stack(R"({"y": [1]})", R"({"z": [1]})"), {"field 'y'", "missing"});
  expect_error(stack(R"({"y": [1]})", R"({"y": [1], "z": 1})"), {"different fields"});
  expect_error(stack(R"({"s": ["A"]})", R"({"s": ["B"]})"), {"different labels"});
  Data optioned = json(R"({"y": [1]})");
  optioned.set_option("K", 2);
  expect_error([&] { Data::stack({json(R"({"y": [1]})"), optioned}); }, {"different options"});
  const Data stacked = Data::stack({json(R"({"y": 1})"), json(R"({"y": 2})")});
  expect_error([&] { Data::stack({stacked, stacked}); }, {"field 'y'"});
}

TEST(Stacking, WhatMustBeSharedIsRefusedWhereItDiffers) {
  const auto expect = [](const char* a, const char* b, const auto& bind, const std::vector<std::string>& parts) {
    Bindable stacked(Data::stack({json(a), json(b)}));
    expect_error([&] { bind(stacked.set); }, parts);
  };
  expect(R"({"g": [1, 2]})", R"({"g": [2, 2]})", [](Dataset& d) { d.index("g", d.dim("i"), d.dim("j")); },
         {"index 'g'", "stacked"});
  expect(R"({"X": [[1]]})", R"({"X": [[2]]})", [](Dataset& d) { d.matrix("X", d.dim("i"), d.dim("j")); },
         {"matrix 'X'", "stacked"});
  expect(R"({"J": 3})", R"({"J": 4})", [](Dataset& d) { d.dim("J"); }, {"dimension 'J'", "stacked"});
  expect(R"({"y": [1, 2]})", R"({"y": [1, NaN]})", [](Dataset& d) { d.real("y", d.dim("i")); },
         {"field 'y'", "NaN at element 2 of data set 2"});
  expect(R"({"n": [1, 2]})", R"({"n": [1.5, 2]})", [](Dataset& d) { d.integer("n", d.dim("i")); },
         {"field 'n'", "1.5 at element 1 of data set 2"});
}

// ---- models on careless data --------------------------------------------------------------------------------------

template <class Model>
void expect_model_error(const std::string& text, const std::vector<std::string>& parts) {
  const Data data = json(text);
  expect_error([&] { HostModel(*model_table<Model>(), data); }, parts);
}

TEST(Models, SayWhatIsWrongWithTheirData) {
  using namespace models;
  expect_model_error<EightSchools>("{}", {"field 'y'", "missing"});
  expect_model_error<EightSchools>(R"({"J": 2, "y": [1, 2], "sigma": [1]})", {"field 'sigma'", "1 elements", "size 2"});
  expect_model_error<EightSchools>(R"({"y": [1, 2], "sigma": 1})", {"field 'sigma'", "one number"});
  expect_model_error<EightSchools>(R"({"school": ["A", "B", "C"], "y": [1, 2], "sigma": [1, 1]})",
                                   {"field 'y'", "size 3"});
  expect_model_error<StdNormal>("{}", {"dimension 'coordinate'", "no size"});
  expect_model_error<StdNormal>(R"({"coordinate": -3})", {"'coordinate'", "-3"});
  expect_model_error<GaussMix>(R"({"component": 3, "y": [1]})", {"'component'", "size 3", "two"});
  expect_model_error<GaussMix>(R"({"y": [1]})", {"dimension 'component'", "no size"});
  expect_model_error<Radon>(R"({"county": 2, "county_idx": [1, 3], "log_uppm": [0, 0], "floor_measure": [0, 1],
                                "log_radon": [1, 1]})",
                            {"index 'county_idx'", "3 at element 2", "1 to 2"});
}

TEST(Models, TakeDataWithoutElements) {
  const Data schools = json(R"({"y": [], "sigma": []})");
  const HostModel model(*model_table<models::EightSchools>(), schools);
  EXPECT_EQ(model.coordinates(), 2);
  std::vector<double> position{0.3, -0.2}, gradient(2);
  EXPECT_TRUE(std::isfinite(model.log_density(position.data(), gradient.data())));
  const Data none = json(R"({"coordinate": 0})");
  EXPECT_EQ(HostModel(*model_table<models::StdNormal>(), none).coordinates(), 0);
}

TEST(Models, TakeADatasetsLabelsAsTheirDimensions) {
  const Data data = json(R"({"school": ["A", "B"], "y": [1, 2], "sigma": [1, 1], "unused": [1, 2, 3]})");
  const HostModel model(*model_table<models::EightSchools>(), data);
  ASSERT_EQ(model.dimensions().size(), 1u);
  EXPECT_EQ(model.dimensions()[0].name, "school");
  EXPECT_EQ(model.dimensions()[0].labels, (std::vector<std::string>{"A", "B"}));
}

}  // namespace
}  // namespace lockstep
