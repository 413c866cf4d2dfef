// Data sets from tables: one line of column names, then one line for each row.
//
// Cells are as in RFC 4180: a quoted one may hold separators, line ends and doubled quotes. Of Debian's libraries one
// fixes the number of columns when it is compiled, another does not say where it found an error.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "host/data_text.hpp"
#include "lockstep/data.hpp"

namespace lockstep {

namespace {

struct Table {
  std::string source;
  std::vector<std::string> names;
  std::vector<std::string_view> cells;  // [row][column]
  std::vector<std::size_t> lines;       // of each row, from 1
  std::deque<std::string> unescaped;    // quoted cells that had quotes in them

  std::size_t columns() const { return names.size(); }
  std::string_view cell(std::size_t row, std::size_t column) const { return cells[row * columns() + column]; }
};

// A cell's text for a message; short whatever it holds.
std::string shown(std::string_view text) {
  std::size_t end = std::min<std::size_t>(text.size(), 40);
  while (end < text.size() && end > 0 && (text[end] & 0xC0) == 0x80) --end;  // not within a character
  return fmt::format("'{}{}'", text.substr(0, end), end < text.size() ? "..." : "");
}

class TableReader {
 public:
  TableReader(const std::string& text, const std::string& source) : text_(text) {
    table_.source = source;
    require_text();
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") text_.remove_prefix(3);
    separator_ = find_separator();
  }

  Table read() {
    std::vector<std::string_view> row;
    while (read_row(row)) {
      if (row.size() == 1 && row[0].empty() && !was_quoted_) continue;  // an empty line
      if (table_.names.empty()) set_names(row);
      else add_row(row);
    }
    if (table_.names.empty())
      throw DataError(fmt::format("'{}' is empty (its first line names the columns). Write a table, such as y,sigma.",
                                  table_.source));
    return std::move(table_);
  }

 private:
  void require_text() const {
    if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF"))
      throw DataError(fmt::format("'{}' is in UTF-16 (UTF-8 is needed). Save it as UTF-8.", table_.source));
    const std::size_t bad = first_bad_byte(text_);
    if (bad == std::string_view::npos) return;
    const auto line = 1 + std::count(text_.begin(), text_.begin() + std::ptrdiff_t(bad), '\n');
    throw DataError(fmt::format("'{}' is no UTF-8 text (it has a byte 0x{:02x} in line {}). Save it as a table in UTF-8.",
                                table_.source, static_cast<unsigned char>(text_[bad]), line));
  }

  char find_separator() const {
    std::set<char> found;
    bool inside = false;
    for (char c : text_.substr(0, text_.find_first_of("\r\n"))) {
      if (c == '"') inside = !inside;
      else if (!inside) found.insert(c);
    }
    for (char candidate : {',', '\t', ';'})
      if (found.contains(candidate)) return candidate;
    return ',';
  }

  bool is_blank(char c) const { return c == ' ' || (c == '\t' && separator_ != '\t'); }
  bool ends_cell(char c) const { return c == separator_ || c == '\n' || c == '\r'; }

  // The cells of the next line; false at the end of the file.
  bool read_row(std::vector<std::string_view>& row) {
    row.clear();
    was_quoted_ = false;
    if (at_ == text_.size()) return false;
    row_line_ = line_;
    while (true) {
      row.push_back(read_cell());
      if (at_ == text_.size()) return true;
      const char end = text_[at_++];
      if (end == separator_) continue;
      if (end == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
      ++line_;
      return true;
    }
  }

  std::string_view read_cell() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    if (at_ < text_.size() && text_[at_] == '"') return read_quoted();
    const std::size_t begin = at_;
    while (at_ < text_.size() && !ends_cell(text_[at_])) ++at_;
    std::size_t end = at_;
    while (end > begin && is_blank(text_[end - 1])) --end;
    return text_.substr(begin, end - begin);
  }

  std::string_view read_quoted() {
    const std::size_t opened_in = line_, begin = ++at_;
    bool doubled = false;
    while (true) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos)
        throw DataError(fmt::format("'{}' has a quote in line {} that does not end (a quote inside of a quoted cell is "
                                    "written twice). Close it.", table_.source, opened_in));
      line_ += std::size_t(std::count(text_.begin() + std::ptrdiff_t(at_), text_.begin() + std::ptrdiff_t(quote), '\n'));
      at_ = quote + 1;
      if (at_ == text_.size() || text_[at_] != '"') break;
      doubled = true;
      ++at_;
    }
    std::string_view cell = text_.substr(begin, at_ - 1 - begin);
    if (doubled) {
      std::string& plain = table_.unescaped.emplace_back();
      for (std::size_t i = 0; i < cell.size(); ++i) {
        plain += cell[i];
        if (cell[i] == '"') ++i;
      }
      cell = plain;
    }
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    if (at_ < text_.size() && !ends_cell(text_[at_]))
      throw DataError(fmt::format("'{}' has text after a closing quote in line {} (a quoted cell ends there). Quote the "
                                  "whole cell, and write quotes in it twice.", table_.source, line_));
    was_quoted_ = true;
    return cell;
  }

  void set_names(const std::vector<std::string_view>& row) {
    std::map<std::string_view, std::size_t> seen;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (row[c].empty() && (c > 0 || row.size() == 1))
        throw DataError(fmt::format("column {} of '{}' has no name (fields are bound by name; only a first column of row "
                                    "names needs none). Name it in the first line.", c + 1, table_.source));
      const auto [place, is_new] = seen.emplace(row[c], c);
      if (!is_new)
        throw DataError(fmt::format("columns {} and {} of '{}' are both named {} (a field is bound by its name). Rename one.",
                                    place->second + 1, c + 1, table_.source, shown(row[c])));
      table_.names.emplace_back(row[c]);
    }
  }

  void add_row(const std::vector<std::string_view>& row) {
    if (row.size() != table_.columns())
      throw DataError(fmt::format("line {} of '{}' has {} cells (its first line names {} columns). Correct it; leave missing "
                                  "values empty, between separators.", row_line_, table_.source, row.size(), table_.columns()));
    table_.cells.insert(table_.cells.end(), row.begin(), row.end());
    table_.lines.push_back(row_line_);
  }

  std::string_view text_;
  char separator_ = ',';
  std::size_t at_ = 0, line_ = 1, row_line_ = 1;
  bool was_quoted_ = false;  // a cell of this row
  Table table_;
};

bool is_missing(std::string_view cell) { return cell.empty() || cell == "NA"; }

// The number that a cell is; none if it is text.
std::optional<double> number(std::string_view cell, const Table& table, std::size_t row, std::size_t column) {
  if (is_missing(cell)) return std::nan("");
  for (const char* yes : {"TRUE", "True", "true"})
    if (cell == yes) return 1.;
  for (const char* no : {"FALSE", "False", "false"})
    if (cell == no) return 0.;
  const char first = cell[cell[0] == '-' || cell[0] == '+' ? 1 : 0];  // a view of a longer text: there is a next byte
  if ((first < '0' || first > '9') && first != '.') return special_number(std::string(cell.substr(0, 10)));
  if (cell[0] == '+') cell.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (stop != cell.data() + cell.size()) return std::nullopt;
  if (error == std::errc()) return value;
  if (error != std::errc::result_out_of_range) return std::nullopt;
  value = std::strtod(std::string(cell).c_str(), nullptr);
  if (std::isfinite(value)) return value;  // so small that it is 0
  throw DataError(fmt::format("column {} of '{}' is {} in line {} (the largest number is 1.8e308). Correct it.",
                              shown(table.names[column]), table.source, shown(cell), table.lines[row]));
}

// A column's values; none if it is text.
std::optional<std::vector<double>> numbers(const Table& table, std::size_t column) {
  std::vector<double> values;
  values.reserve(table.lines.size());
  for (std::size_t row = 0; row < table.lines.size(); ++row) {
    const std::optional<double> value = number(table.cell(row, column), table, row, column);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

// Of "X.12": "X" and 12; of other names 0.
std::pair<std::string, std::size_t> matrix_column(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == 0 || dot == std::string::npos || dot + 1 == name.size() || name[dot + 1] == '0') return {name, 0};
  std::size_t place = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + dot + 1, end, place);
  if (stop != end || error != std::errc()) return {name, 0};
  return {name.substr(0, dot), place};
}

// Puts the columns NAME.1, ..., NAME.K, which stand in this order, together, unless there is a column NAME.
class Matrices {
 public:
  explicit Matrices(const std::map<std::string, std::vector<double>>& vectors) {
    for (const auto& [name, values] : vectors)
      if (const auto [matrix, place] = matrix_column(name); place > 0) places_[matrix].insert(place);
    for (auto each = places_.begin(); each != places_.end();) {
      const bool whole = *each->second.rbegin() == each->second.size() && !vectors.contains(each->first);
      each = whole ? std::next(each) : places_.erase(each);
    }
  }
  std::size_t columns(const std::string& matrix) const {
    const auto found = places_.find(matrix);
    return found == places_.end() ? 0 : found->second.size();
  }

 private:
  std::map<std::string, std::set<std::size_t>> places_;
};

}  // namespace

Data Data::from_csv_file(const std::filesystem::path& path) { return from_csv(file_content(path), path.string()); }

Data Data::from_csv(const std::string& text, const std::string& source) {
  const Table table = TableReader(text, source).read();
  const std::size_t rows = table.lines.size();
  std::map<std::string, std::vector<double>> vectors;
  std::map<std::string, std::size_t> texts;
  for (std::size_t column = 0; column < table.columns(); ++column) {
    if (table.names[column].empty()) continue;
    if (auto values = numbers(table, column)) vectors[table.names[column]] = std::move(*values);
    else texts[table.names[column]] = column;
  }
  Data data;
  const Matrices matrices(vectors);
  for (auto& [name, values] : vectors) {
    const auto [matrix, place] = matrix_column(name);
    const std::size_t columns = place > 0 ? matrices.columns(matrix) : 0;
    if (columns == 0) {
      data.set(name, std::move(values));
    } else if (place == 1) {
      Field field{{std::int64_t(rows), std::int64_t(columns)}, std::vector<double>(rows * columns), 1};
      for (std::size_t k = 0; k < columns; ++k) {
        const std::vector<double>& from = vectors.at(matrix + "." + std::to_string(k + 1));
        for (std::size_t row = 0; row < rows; ++row) field.values[row * columns + k] = from[row];
      }
      data.set(matrix, std::move(field));
    }
  }
  for (const auto& [name, column] : texts) {
    std::vector<std::string> members;
    for (std::size_t row = 0; row < rows; ++row) {
      const std::string_view cell = table.cell(row, column);
      members.emplace_back(is_missing(cell) ? std::string_view() : cell);
    }
    data.set_groups(name, members);
  }
  return data;
}

}  // namespace lockstep
