#include "lockstep/data.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace lockstep {

namespace {

using Json = nlohmann::json;

// ---- JSON ----

double number(const Json& json, const std::string& field) {
  if (json.is_number()) return json.get<double>();
  if (json.is_boolean()) return json.get<bool>() ? 1. : 0.;
  if (json.is_string()) {
    const std::string text = json.get<std::string>();
    if (text == "NaN") return std::nan("");
    if (text == "Inf" || text == "+Inf" || text == "Infinity") return HUGE_VAL;
    if (text == "-Inf" || text == "-Infinity") return -HUGE_VAL;
  }
  throw DataError(fmt::format("field '{}' has {} among its values (a number is needed there). Write a number, or \"NaN\", "
                              "\"Inf\", \"-Inf\".", field, json.dump().substr(0, 40)));
}

// Appends the values of a nested array whose extents from `axis` on must be those of `shape`.
void flatten(const Json& json, const std::string& name, std::size_t axis, Data::Field& field) {
  if (axis == field.shape.size()) {
    if (json.is_array())
      throw DataError(fmt::format("field '{}' mixes numbers and arrays (every row must have the same depth). Make its rows "
                                  "alike.", name));
    field.values.push_back(number(json, name));
    return;
  }
  if (!json.is_array() || std::int64_t(json.size()) != field.shape[axis])
    throw DataError(fmt::format("field '{}' has rows of different lengths (the first has {}). Make them equal; write missing "
                                "values as \"NaN\".", name, field.shape[axis]));
  for (const Json& element : json) flatten(element, name, axis + 1, field);
}

bool all_strings(const Json& json) {
  static const std::vector<std::string> numbers{"NaN", "Inf", "+Inf", "-Inf", "Infinity", "-Infinity"};
  return json.is_array() && !json.empty() && std::all_of(json.begin(), json.end(), [](const Json& element) {
    return element.is_string() && std::find(numbers.begin(), numbers.end(), element.get<std::string>()) == numbers.end();
  });
}

bool same(const Data::Field& a, const Data::Field& b) {
  // Bitwise, so that NaN equals NaN.
  return a.values.size() == b.values.size() &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

}  // namespace

void Data::set(const std::string& name, double value) { set(name, Field{{}, {value}, 1}); }

void Data::set(const std::string& name, std::vector<double> values) {
  const std::int64_t size = std::int64_t(values.size());
  set(name, Field{{size}, std::move(values), 1});
}

void Data::set(const std::string& name, const std::vector<std::vector<double>>& rows) {
  Field field{{std::int64_t(rows.size()), rows.empty() ? 0 : std::int64_t(rows[0].size())}, {}, 1};
  for (const std::vector<double>& row : rows) {
    if (std::int64_t(row.size()) != field.shape[1])
      throw DataError(fmt::format("field '{}' has rows of different lengths (the first has {}). Make them equal.", name,
                                  field.shape[1]));
    field.values.insert(field.values.end(), row.begin(), row.end());
  }
  set(name, std::move(field));
}

void Data::set(const std::string& name, Field field) {
  std::int64_t size = field.columns;
  for (std::int64_t extent : field.shape) size *= extent;
  if (size != std::int64_t(field.values.size()))
    throw DataError(fmt::format("field '{}' has {} values (its shape [{}] and {} columns need {}). Make them agree.", name,
                                field.values.size(), fmt::join(field.shape, ", "), field.columns, size));
  fields_[name] = std::move(field);
}

void Data::set_labels(const std::string& dim, std::vector<std::string> labels) { labels_[dim] = std::move(labels); }

Data Data::from_json_file(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path))
    throw DataError(fmt::format("'{}' is a folder (a JSON file is needed). Name the file in it.", path.string()));
  std::ifstream file(path);
  if (!file)
    throw DataError(fmt::format("the data file '{}' could not be opened (it does not exist, or may not be read). Check its "
                                "name.", path.string()));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad())
    throw DataError(fmt::format("the data file '{}' could not be read to its end (an input error). Check the disk.", path.string()));
  return from_json(text, path.string());
}

Data Data::from_json(const std::string& text, const std::string& source) {
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw DataError(fmt::format("'{}' is not valid JSON (at byte {}: {}). Correct it there.", source, error.byte,
                                std::string(error.what()).substr(0, 200)));
  }
  if (!json.is_object())
    throw DataError(fmt::format("'{}' does not hold a JSON object (fields are bound by name). Write {{\"field\": values, ...}}.", source));
  Data data;
  for (const auto& [name, value] : json.items()) {
    if (value.is_null() || value.is_object())
      throw DataError(fmt::format("field '{}' is {} (a number or an array is needed). Remove it, or write its values.", name,
                                  value.is_null() ? "null" : "an object"));
    if (all_strings(value)) {
      data.set_labels(name, value.get<std::vector<std::string>>());
      continue;
    }
    Field field;
    const Json* axis = &value;
    for (; axis->is_array(); axis = &axis->front()) {
      field.shape.push_back(std::int64_t(axis->size()));
      if (axis->empty()) break;
    }
    if (!axis->is_array() || !axis->empty()) flatten(value, name, 0, field);
    data.set(name, std::move(field));
  }
  return data;
}

Data Data::stack(const std::vector<Data>& sets) {
  if (sets.empty()) throw DataError("no data sets were given to stack (at least one is needed). Pass one or more.");
  Data stacked = sets[0];
  const std::int64_t count = std::int64_t(sets.size());
  for (const Data& set : sets) {
    if (set.labels_ != sets[0].labels_)
      throw DataError("data sets to be stacked have different labels (all share their dimensions). Make the labels equal.");
    if (set.fields_.size() != sets[0].fields_.size())
      throw DataError("data sets to be stacked have different fields (all are bound by the same model). Give each the same ones.");
  }
  for (auto& [name, field] : stacked.fields_) {
    bool shared = true;
    for (const Data& set : sets) {
      const auto other = set.fields_.find(name);
      if (other == set.fields_.end() || other->second.shape != field.shape || other->second.columns != 1)
        throw DataError(fmt::format("field '{}' is missing or has another shape in one of the data sets to be stacked (all "
                                    "must be alike). Make its shapes equal.", name));
      shared = shared && same(field, other->second);
    }
    if (shared) continue;
    Field columns{field.shape, std::vector<double>(field.values.size() * sets.size()), count};
    for (std::size_t set = 0; set < sets.size(); ++set) {
      const std::vector<double>& values = sets[set].fields_.at(name).values;
      for (std::size_t i = 0; i < values.size(); ++i) columns.values[i * sets.size() + set] = values[i];
    }
    field = std::move(columns);
  }
  return stacked;
}

std::int64_t Data::data_sets() const {
  std::int64_t most = 1;
  for (const auto& [name, field] : fields_) most = std::max(most, field.columns);
  return most;
}

DataViews::DataViews(const Data& data) {
  for (const auto& [name, field] : data.fields()) {
    const bool whole = std::all_of(field.values.begin(), field.values.end(), [](double v) { return v == std::floor(v); });
    fields_.push_back({name.c_str(), field.values.data(), field.shape.data(), std::int64_t(field.shape.size()), field.columns, whole});
  }
  for (const auto& [dim, labels] : data.labels()) {
    label_pointers_.emplace_back();
    for (const std::string& label : labels) label_pointers_.back().push_back(label.c_str());
    labels_.push_back({dim.c_str(), label_pointers_.back().data(), std::int64_t(labels.size())});
  }
  view_ = {fields_.data(), std::int64_t(fields_.size()), labels_.data(), std::int64_t(labels_.size())};
}

}  // namespace lockstep
