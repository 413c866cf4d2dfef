// Tables as data sets: what columns become, how cells are written, and what is said about tables that are no good.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "host/host_model.hpp"
#include "lockstep/model_table.hpp"
#include "lockstep/data.hpp"
#include "models/radon.hpp"
#include "tests/data_errors.hpp"

namespace lockstep {
namespace {

using Shape = std::vector<std::int64_t>;
using Values = std::vector<double>;
using Labels = std::vector<std::string>;

constexpr double infinity = std::numeric_limits<double>::infinity();

Data csv(const std::string& text) { return Data::from_csv(text, "table.csv"); }
Values values(const Data& data, const std::string& field) { return data.fields().at(field).values; }

void expect_csv_error(const std::string& text, std::vector<std::string> parts) {
  parts.push_back("'table.csv'");
  expect_error([&] { csv(text); }, parts);
}

TEST(Csv, ColumnsAreFieldsByName) {
  const Data data = csv("y,sigma\n28,15\n-8.5,1e1\n");
  EXPECT_EQ(data.fields().size(), 2u);
  EXPECT_EQ(data.fields().at("y").shape, Shape{2});
  EXPECT_EQ(values(data, "y"), (Values{28, -8.5}));
  EXPECT_EQ(values(data, "sigma"), (Values{15, 10}));
  EXPECT_TRUE(data.labels().empty());
}

TEST(Csv, NumbersKeepAllTheirDigitsInAnySpelling) {
  const Data data = csv("y\n0.1\n+2\n.5\n5.\n-0\n1.7976931348623157e308\n5e-324\n1e-999\n123456789012345678\n");
  EXPECT_EQ(values(data, "y"),
            (Values{0.1, 2, .5, 5, 0, std::numeric_limits<double>::max(), 5e-324, 0, 123456789012345678.}));
  EXPECT_TRUE(std::signbit(values(data, "y")[4]));
}

TEST(Csv, InfinitiesAndTruthValuesAreNumbers) {
  const Data data = csv("y,treated\nInf,TRUE\n-inf,False\nInfinity,true\n");
  EXPECT_EQ(values(data, "y"), (Values{infinity, -infinity, infinity}));
  EXPECT_EQ(values(data, "treated"), (Values{1, 0, 1}));
}

TEST(Csv, EmptyCellsAndNaAreMissingInNumbersAndInGroups) {
  const Data data = csv("y,county\n1,\n,Lake\nNA,NA\nNaN,Aitkin\n\"\",Lake\n");
  EXPECT_EQ(values(data, "y")[0], 1);
  for (int i : {1, 2, 3, 4}) EXPECT_TRUE(std::isnan(values(data, "y")[std::size_t(i)])) << i;
  const Values index = values(data, "county_idx");
  EXPECT_TRUE(std::isnan(index[0]) && std::isnan(index[2]));
  EXPECT_EQ((Values{index[1], index[3], index[4]}), (Values{1, 2, 1}));
  const Data nothing = csv("y\nNA\nNA\n");
  EXPECT_TRUE(std::isnan(values(nothing, "y")[0]));
}

TEST(Csv, AColumnOfTextGroupsTheRows) {
  const Data data = csv("county,y\nLake,1\nAitkin,2\nLake,3\n");
  EXPECT_EQ(data.labels().at("county"), (Labels{"Lake", "Aitkin"}));
  EXPECT_EQ(values(data, "county_idx"), (Values{1, 2, 1}));
  EXPECT_FALSE(data.fields().contains("county"));
}

TEST(Csv, ATableIsDataForTheRadonModel) {
  const Data data = csv("county,log_uppm,floor_measure,log_radon\nLake,0.1,0,1\nAitkin,0.2,1,2\nLake,0.1,1,0\n");
  const HostModel model(*model_table<models::Radon>(), data);
  bool found = false;
  for (const Dimension& dim : model.dimensions())
    if (dim.name == "county") {
      found = true;
      EXPECT_EQ(dim.labels, (Labels{"Lake", "Aitkin"}));
    }
  EXPECT_TRUE(found);
}

TEST(Csv, NumberedColumnsAreAMatrix) {
  const Data data = csv("X.1,y,X.2,X.3\n1,7,2,3\n4,8,5,6\n");
  EXPECT_EQ(data.fields().size(), 2u);
  EXPECT_EQ(data.fields().at("X").shape, (Shape{2, 3}));
  EXPECT_EQ(values(data, "X"), (Values{1, 2, 3, 4, 5, 6}));
  std::string wide = "X.1", row = "1";
  for (int k = 2; k <= 12; ++k) {
    wide += ",X." + std::to_string(k);
    row += "," + std::to_string(k);
  }
  EXPECT_EQ(values(csv(wide + "\n" + row + "\n"), "X"), (Values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
}

TEST(Csv, NumberedColumnsThatAreNoMatrixStayColumns) {
  struct Case {
    const char* text;
    Labels fields;
  };
  const Case cases[] = {
      {"x,x.1,x.2\n1,2,3\n", {"x", "x.1", "x.2"}},
      {"x.1,x.3\n1,2\n", {"x.1", "x.3"}},
      {"x.2\n1\n", {"x.2"}},
      {"x.01,x.02\n1,2\n", {"x.01", "x.02"}},
      {".1,.2\n1,2\n", {".1", ".2"}},
      {"x.1,x.99999999999999999999\n1,2\n", {"x", "x.99999999999999999999"}},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.text);
    const Data data = csv(each.text);
    Labels names;
    for (const auto& [name, field] : data.fields()) names.push_back(name);
    EXPECT_EQ(names, each.fields);
  }
}

TEST(Csv, QuotedCellsHoldSeparatorsLineEndsAndDoubledQuotes) {
  const Data data = csv("\"school\",\"y\"\n\"St. Paul's, \"\"new\"\"\nbuilding\",\"28\"\n\"\"\"A\"\"\",3\n");
  EXPECT_EQ(data.labels().at("school"), (Labels{"St. Paul's, \"new\"\nbuilding", "\"A\""}));
  EXPECT_EQ(values(data, "y"), (Values{28, 3}));
  EXPECT_EQ(csv("pipe\n5\" wide\n").labels().at("pipe"), Labels{"5\" wide"});
}

TEST(Csv, LinesEndInAnyWayAndTheLastNeedsNoEnd) {
  for (const char* text : {"y,s\n1,2\n3,4\n", "y,s\n1,2\n3,4", "y,s\r\n1,2\r\n3,4\r\n", "y,s\r1,2\r3,4\r",
                           "\xEF\xBB\xBFy,s\n1,2\n\n3,4\n\n", "y , s\n 1,2\n3 , \"4\" \n", "y\ts\n1\t2\n3\t4\n",
                           "y;s\n1;2\n3;4\n"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(values(csv(text), "y"), (Values{1, 3}));
    EXPECT_EQ(values(csv(text), "s"), (Values{2, 4}));
  }
}

TEST(Csv, AFirstColumnWithoutANameIsLeftOut) {
  const Data data = csv("\"\",y\n\"row 1\",1\n\"row 2\",2\n");
  EXPECT_EQ(data.fields().size(), 1u);
  EXPECT_TRUE(data.labels().empty());
  EXPECT_EQ(values(data, "y"), (Values{1, 2}));
}

TEST(Csv, ATableWithoutRowsHasEmptyFields) { EXPECT_EQ(csv("y,sigma\n").fields().at("y").shape, Shape{0}); }

TEST(Csv, RowsOfAnotherLengthAreRefusedByLine) {
  expect_csv_error("y,sigma\n1,2\n3\n", {"line 3", "1 cells", "2 columns"});
  expect_csv_error("y,sigma\n1,2,3\n", {"line 2", "3 cells", "2 columns"});
  expect_csv_error("y,sigma\n1,2,\n", {"line 2", "3 cells"});
  // Lines are the file's, whatever cells hold.
  expect_csv_error("a,y\n\"1\n2\",2\n\n3\n", {"line 5", "1 cells"});
}

TEST(Csv, ColumnNamesAreThereAndDifferent) {
  expect_csv_error("", {"empty", "names the columns"});
  expect_csv_error("\n\n \n", {"empty"});
  expect_csv_error("y,,s\n1,2,3\n", {"column 2", "no name"});
  expect_csv_error("\"\"\n1\n", {"column 1", "no name"});
  expect_csv_error("y,s,y\n1,2,3\n", {"columns 1 and 3", "'y'"});
  expect_error([] { csv("county,county_idx\nLake,1\n"); }, {"text 'county'", "field 'county_idx'"});
}

TEST(Csv, QuotesThatDoNotEndAreRefusedWhereTheyBegin) {
  expect_csv_error("y,s\n1,2\n\"3,4\n5,6\n", {"line 3", "does not end"});
  expect_csv_error("a,s\n\"x\"y,2\n", {"line 2", "after a closing quote"});
}

TEST(Csv, ANumberBeyondTheLargestDoubleIsRefusedByItsPlace) {
  expect_csv_error("y,s\n1,2\n1,-1e999\n", {"column 's'", "'-1e999'", "line 3"});
}

TEST(Csv, WhatIsNoTextInUtf8IsRefused) {
  expect_csv_error("school\nZ\xFCrich\n", {"0xfc", "line 2", "UTF-8"});
  expect_csv_error(std::string("y\n1\n\0\n", 6), {"0x00", "line 3"});
  expect_csv_error("\xFF\xFEy\0", {"UTF-16"});
  expect_csv_error("\xC0\x80\n", {"UTF-8"});
}

TEST(Csv, LongCellsAreCutInMessagesBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 10000; ++i) name += "ü";
  expect_csv_error("y" + name + ",y" + name + "\n1,2\n", {"'yüüü", "...'"});
}

}  // namespace
}  // namespace lockstep
