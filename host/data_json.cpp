// Data sets from JSON, in CmdStan's conventions.
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "host/data_text.hpp"
#include "lockstep/data.hpp"

namespace lockstep {

namespace {

using Json = nlohmann::json;

// Puts NaN, Infinity and -Infinity that stand outside of strings, as Python writes them, into quotes.
std::string quote_special_numbers(const std::string& text) {
  std::string quoted;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') inside = !inside;
    bool replaced = false;
    for (const char* word : {"NaN", "-Infinity", "Infinity"})
      if (!inside && text.compare(i, std::strlen(word), word) == 0) {
        quoted += '"' + std::string(word) + '"';
        i += std::strlen(word) - 1;
        replaced = true;
        break;
      }
    if (replaced) continue;
    quoted += text[i];
    if (inside && text[i] == '\\' && i + 1 < text.size()) quoted += text[++i];
  }
  return quoted;
}

constexpr int most_axes = 8;

Json parse(const std::string& text, const std::string& source) {
  std::set<std::string> names;
  std::string field;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1) {
      field = parsed.get<std::string>();
      if (!names.insert(field).second)
        throw DataError(fmt::format("'{}' has field '{}' twice (a field is bound by its name). Remove or rename one.",
                                    source, field));
    }
    if ((event == Json::parse_event_t::array_start || event == Json::parse_event_t::object_start) && depth > most_axes)
      throw DataError(
          fmt::format("field '{}' of '{}' is nested more than {} deep (an array has one level per axis). Write "
                      "it as numbers, rows, or rows of rows.",
                      field, source, most_axes));
    return true;
  };
  return Json::parse(text, watch);
}

// "line 3, column 7: syntax error ..." of the parser's message.
std::string parser_message(const Json::exception& error) {
  std::string message = error.what();
  const std::string before = " at ";
  const std::size_t place = message.find(before);
  if (place != std::string::npos && message.find("parse error") < place)
    message = message.substr(place + before.size());
  else if (const std::size_t code = message.find("] "); code != std::string::npos)
    message = message.substr(code + 2);
  if (message.size() > 200) message = message.substr(0, 200) + "...";
  // It shows what it has read, which may be no text, or is cut within a character.
  for (std::size_t bad; (bad = first_bad_byte(message)) != std::string::npos;) message[bad] = '?';
  return message;
}

Json parse_leniently(const std::string& text, const std::string& source) {
  const auto invalid = [&](const Json::exception& error) {
    return DataError(fmt::format("'{}' is not valid JSON ({}). Correct it there.", source, parser_message(error)));
  };
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    throw DataError(fmt::format("'{}' is empty (a JSON object is needed). Write {{\"field\": values, ...}}.", source));
  try {
    return parse(text, source);
  } catch (const Json::parse_error& error) {
    const std::string quoted = quote_special_numbers(text);
    if (quoted.size() == text.size()) throw invalid(error);
    try {
      return parse(quoted, source);
    } catch (const Json::exception& still) {
      throw invalid(still);
    }
  } catch (const Json::exception& error) {  // a number beyond the largest double
    throw invalid(error);
  }
}

// What a value is, for a message; short whatever it holds.
std::string describe(const Json& json) {
  if (json.is_null()) return "null";
  if (json.is_object()) return "an object";
  if (json.is_array()) return "an array";
  std::string text = json.dump();
  if (text.size() <= 40) return text;
  std::size_t end = 40;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // not within a character
  return text.substr(0, end) + "...";
}

// The values of a nested array whose extents must be those of its first elements.
class Flattener {
 public:
  Flattener(const std::string& name, const Json& json) : name_(name) {
    for (const Json* axis = &json; axis->is_array(); axis = &axis->front()) {
      field_.shape.push_back(std::int64_t(axis->size()));
      if (axis->empty()) break;
    }
    append(json);
  }
  Data::Field take() { return std::move(field_); }

 private:
  void append(const Json& json) {
    const std::size_t axis = place_.size();
    if (json.is_array() != (axis < field_.shape.size()) && (json.is_array() || json.is_number()))
      throw DataError(
          fmt::format("field '{}' has {}{} where its first elements are {} (every row has the same depth). Make "
                      "its rows alike.",
                      name_, json.is_array() ? "an array" : "a number", at(), json.is_array() ? "numbers" : "arrays"));
    if (axis == field_.shape.size() || !json.is_array()) {
      field_.values.push_back(number(json));
      return;
    }
    if (std::int64_t(json.size()) != field_.shape[axis])
      throw DataError(
          fmt::format("field '{}' has a row of length {}{} (its first row has length {}, and all rows are equally "
                      "long). Make them equal; write missing values as \"NaN\".",
                      name_, json.size(), at(), field_.shape[axis]));
    place_.push_back(0);
    for (const Json& element : json) {
      ++place_.back();
      append(element);
    }
    place_.pop_back();
  }
  double number(const Json& json) const {
    if (json.is_number()) return json.get<double>();
    if (json.is_boolean()) return json.get<bool>() ? 1. : 0.;
    if (json.is_string())
      if (const auto special = special_number(json.get<std::string>())) return *special;
    throw DataError(
        fmt::format("field '{}' has {}{} (a number is needed there). Write a number; \"NaN\", \"Inf\" and "
                    "\"-Inf\" are numbers too.",
                    name_, describe(json), at()));
  }
  // " at element 3", " at element [2, 3]", or nothing.
  std::string at() const {
    if (place_.empty()) return "";
    if (place_.size() == 1) return fmt::format(" at element {}", place_[0]);
    return fmt::format(" at element [{}]", fmt::join(place_, ", "));
  }

  const std::string& name_;
  std::vector<std::int64_t> place_;  // of what is being read, from 1
  Data::Field field_;
};

// Labels of a dimension: strings, which are not all numbers that JSON cannot write otherwise.
bool are_labels(const Json& json) {
  if (!json.is_array() || json.empty()) return false;
  bool all_special = true;
  for (const Json& element : json) {
    if (!element.is_string()) return false;
    all_special = all_special && special_number(element.get<std::string>());
  }
  return !all_special;
}

}  // namespace

Data Data::from_json_file(const std::filesystem::path& path) {
  return from_json(file_content(path), path.string());
}

Data Data::from_json(const std::string& text, const std::string& source) {
  const Json json = parse_leniently(text, source);
  if (!json.is_object())
    throw DataError(
        fmt::format("'{}' holds {} (a JSON object is needed: fields are bound by name). Write {{\"field\": values, "
                    "...}}.",
                    source, describe(json)));
  Data data;
  for (const auto& [name, value] : json.items()) {
    if (value.is_null() || value.is_object())
      throw DataError(fmt::format("field '{}' is {} (a number or an array is needed). Remove it, or write its values.",
                                  name, describe(value)));
    if (are_labels(value))
      data.set_labels(name, value.get<std::vector<std::string>>());
    else
      data.set(name, Flattener(name, value).take());
  }
  return data;
}

}  // namespace lockstep
