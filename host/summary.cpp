#include "host/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "host/verdict.hpp"

namespace lockstep {
namespace {

// How a figure is shown in the text table.
enum class Show { location, error, ess, r_hat, no };

struct Column {
  const char* name;
  double Diagnosis::*figure;
  Show show;
};

constexpr std::array<Column, 13> columns = {{
    {"mean", &Diagnosis::mean, Show::location},
    {"sd", &Diagnosis::sd, Show::location},
    {"q5", &Diagnosis::q5, Show::location},
    {"median", &Diagnosis::median, Show::location},
    {"q95", &Diagnosis::q95, Show::location},
    {"mcse_mean", &Diagnosis::mcse_mean, Show::error},
    {"mcse_sd", &Diagnosis::mcse_sd, Show::no},
    {"ess_bulk", &Diagnosis::ess_bulk, Show::ess},
    {"ess_tail", &Diagnosis::ess_tail, Show::ess},
    {"r_hat", &Diagnosis::r_hat, Show::r_hat},
    {"r_hat_split", &Diagnosis::r_hat_split, Show::no},
    {"r_hat_nested", &Diagnosis::r_hat_nested, Show::r_hat},
    {"tau", &Diagnosis::tau, Show::no},
}};

// `figure` to two or three digits of the sd (two decimals for 0.5 <= sd < 5, so that parameters of unit scale look
// alike), and `more` digits after them.
std::string with_digits_of(double sd, double figure, int more) {
  if (!(sd > 1e-6 && sd < 1e6 && std::fabs(figure) < 1e9)) return fmt::format("{:.4g}", figure);
  const int decimals = 2 - static_cast<int>(std::floor(std::log10(2 * sd)));
  std::string text = fmt::format("{:.{}f}", figure, std::max(decimals, 0) + more);
  const bool minus_zero = text[0] == '-' && text.find_first_of("123456789") == std::string::npos;
  return minus_zero ? text.substr(1) : text;
}

std::string cell(const Column& column, const Diagnosis& diagnosis, std::size_t draws) {
  const double figure = diagnosis.*column.figure;
  if (std::isnan(figure)) return "-";
  switch (column.show) {
    case Show::location:
      return with_digits_of(diagnosis.sd, figure, 0);
    case Show::error:
      return with_digits_of(diagnosis.sd, figure, 2);
    case Show::ess:
      return fmt::format("{}{:.0f}", uncertain_ess(diagnosis, draws) ? "~" : "", figure);
    default:
      return fmt::format("{:.3f}", figure);
  }
}

// Characters, not bytes: labels may be in any language.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padding(const std::string& text, std::size_t to) { return std::string(to - width(text), ' '); }

// The first column to the left, the others to the right, two blanks between.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    text += row[0] + padding(row[0], widths[0]);
    for (std::size_t i = 1; i < row.size(); ++i) text += "  " + padding(row[i], widths[i]) + row[i];
    text += '\n';
  }
  return text;
}

std::string table(std::span<const NamedDiagnosis> all, std::size_t draws) {
  std::vector<std::vector<std::string>> rows = {{""}};
  for (const Column& each : columns) {
    if (each.show != Show::no) rows[0].push_back(each.name);
  }
  for (const NamedDiagnosis& scalar : all) {
    rows.push_back({scalar.name});
    for (const Column& each : columns) {
      if (each.show != Show::no) rows.back().push_back(cell(each, scalar.diagnosis, draws));
    }
  }
  return aligned(rows);
}

std::string json(std::span<const NamedDiagnosis> all) {
  auto list = nlohmann::ordered_json::array();
  for (const NamedDiagnosis& scalar : all) {
    nlohmann::ordered_json object = {{"name", scalar.name}};
    for (const Column& each : columns) object[each.name] = scalar.diagnosis.*each.figure;  // NaN is written as null
    list.push_back(std::move(object));
  }
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// As RFC 4180 has it: quoted if need be, quotes doubled.
std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

std::string csv(std::span<const NamedDiagnosis> all) {
  std::string text = "name";
  for (const Column& each : columns) text += fmt::format(",{}", each.name);
  text += '\n';
  for (const NamedDiagnosis& scalar : all) {
    text += csv_text(scalar.name);
    for (const Column& each : columns) {
      const double figure = scalar.diagnosis.*each.figure;
      text += std::isnan(figure) ? "," : fmt::format(",{}", figure);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

Format parse_format(std::string_view name) {
  if (name == "table") return Format::table;
  if (name == "json") return Format::json;
  if (name == "csv") return Format::csv;
  throw std::invalid_argument(
      fmt::format("There is no format '{}' (there are table, json and csv). Choose one of these.", name));
}

std::string summary(const Fit& fit, Format format) { return summary(fit, diagnose(fit), format); }

std::string summary(const Fit& fit, std::span<const NamedDiagnosis> diagnoses, Format format) {
  switch (format) {
    case Format::json:
      return json(diagnoses);
    case Format::csv:
      return csv(diagnoses);
    default:
      return table(diagnoses, fit.draws);
  }
}

}  // namespace lockstep
