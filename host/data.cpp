#include "lockstep/data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <system_error>

#include "host/data_text.hpp"

namespace lockstep {

namespace {

bool same(const Data::Field& a, const Data::Field& b) {
  // NaN equals NaN here.
  return a.values.size() == b.values.size() &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

// Across the boundary to a model a name is a C string; messages show it.
void require_name(const std::string& name, const char* what) {
  if (first_bad_byte(name) != std::string::npos)
    throw DataError(fmt::format("the name of {} has a zero byte in it, or is no UTF-8 text (models name it in UTF-8, without "
                                "zero bytes). Rename it.", what));
}

}  // namespace

void Data::set(const std::string& name, double value) { set(name, Field{{}, {value}, 1}); }

void Data::set(const std::string& name, std::initializer_list<double> values) {
  set(name, std::vector<double>(values));
}

void Data::set(const std::string& name, std::vector<double> values) {
  const std::int64_t size = std::int64_t(values.size());
  set(name, Field{{size}, std::move(values), 1});
}

void Data::set(const std::string& name, const std::vector<std::vector<double>>& rows) {
  Field field{{std::int64_t(rows.size()), rows.empty() ? 0 : std::int64_t(rows[0].size())}, {}, 1};
  for (const std::vector<double>& row : rows) {
    if (std::int64_t(row.size()) != field.shape[1])
      throw DataError(
          fmt::format("field '{}' has rows of different lengths (one has {} elements, the first {}). Make them "
                      "equal.",
                      name, row.size(), field.shape[1]));
    field.values.insert(field.values.end(), row.begin(), row.end());
  }
  set(name, std::move(field));
}

void Data::set(const std::string& name, Field field) {
  require_name(name, "a field");
  // The product of columns and extents, or -1 if a factor or the product makes no sense.
  std::int64_t size = field.columns >= 1 ? field.columns : -1;
  for (std::int64_t extent : field.shape) {
    const bool possible =
        size >= 0 && extent >= 0 && (extent == 0 || size <= std::numeric_limits<std::int64_t>::max() / extent);
    size = possible ? size * extent : -1;
  }
  if (size != std::int64_t(field.values.size()))
    throw DataError(fmt::format("field '{}' has {} values (shape [{}] in {} data sets needs {}). Make them agree.",
                                name, field.values.size(), fmt::join(field.shape, ", "), field.columns,
                                size >= 0 ? std::to_string(size) : "extents of 0 or more"));
  fields_[name] = std::move(field);
}

void Data::set_labels(const std::string& dim, std::vector<std::string> labels) {
  require_name(dim, "a dimension");
  std::map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (first_bad_byte(labels[i]) != std::string::npos)
      throw DataError(fmt::format("label {} of dimension '{}' is no UTF-8 text (results files hold labels as UTF-8). "
                                  "Convert it.", i + 1, dim));
    const auto [place, is_new] = first.emplace(labels[i], i);
    if (!is_new)
      throw DataError(
          fmt::format("dimension '{}' has label '{}' at elements {} and {} (elements are told apart by their "
                      "labels). Make the labels different.",
                      dim, labels[i], place->second + 1, i + 1));
  }
  labels_[dim] = std::move(labels);
}

void Data::set_groups(const std::string& dim, const std::vector<std::string>& members) {
  const std::string field = dim + "_idx";
  if (fields_.contains(field))
    throw DataError(fmt::format("text '{}' and a field '{}' are both there (the numbers of the groups that the text names "
                                "would be the field '{}' too). Rename or leave out one of them.", dim, field, field));
  std::vector<std::string> labels;
  std::map<std::string, double> numbers;
  std::vector<double> values;
  for (const std::string& member : members) {
    if (member.empty()) {
      values.push_back(std::nan(""));
      continue;
    }
    const auto [group, is_new] = numbers.emplace(member, double(labels.size() + 1));
    if (is_new) labels.push_back(member);
    values.push_back(group->second);
  }
  set_labels(dim, std::move(labels));
  set(field, std::move(values));
}

void Data::set_option(const std::string& name, double value) {
  require_name(name, "an option");
  options_[name] = value;
}

Data Data::from_file(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::string name = path.string();
  if (const std::size_t mark = name.rfind('#'); mark != std::string::npos && !std::filesystem::exists(path, ignored))
    return from_hdf5_file(name.substr(0, mark), name.substr(mark + 1));
  std::ifstream file = open_data_file(path);
  // Not to be read twice: it may be a pipe.
  std::string text(8, '\0');
  file.read(text.data(), std::streamsize(text.size()));
  text.resize(std::size_t(file.gcount()));
  const std::string ending = path.extension().string();
  const bool named_hdf5 = ending == ".nc" || ending == ".h5" || ending == ".hdf5" || ending == ".hdf";
  if (named_hdf5 || text == "\x89HDF\r\n\x1A\n") return from_hdf5_file(path);
  text += remaining_content(file, path);
  if (ending == ".csv" || ending == ".tsv") return from_csv(text, name);
  const std::size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  const bool is_json = ending == ".json" || first == std::string::npos || text[first] == '{' || text[first] == '[';
  return is_json ? from_json(text, name) : from_csv(text, name);
}

Data Data::from_files(const std::vector<std::filesystem::path>& paths) {
  Data all;
  std::map<std::string, std::string> field_files, label_files;
  const auto claim = [](std::map<std::string, std::string>& files, const std::string& name, const std::string& file,
                        const char* what) {
    const auto [before, is_new] = files.emplace(name, file);
    if (!is_new)
      throw DataError(fmt::format("{} '{}' is both in '{}' and in '{}' (a model binds them by name). Remove or rename one.",
                                  what, name, before->second, file));
  };
  for (const std::filesystem::path& path : paths) {
    Data one = from_file(path);
    for (auto& [name, field] : one.fields_) {
      claim(field_files, name, path.string(), "field");
      all.fields_[name] = std::move(field);
    }
    for (auto& [dim, labels] : one.labels_) {
      claim(label_files, dim, path.string(), "labels of dimension");
      all.labels_[dim] = std::move(labels);
    }
  }
  return all;
}

void Data::act(const std::string& site, Action action) {
  require_name(site, "a site");
  for (double value : action.values)
    if (std::isnan(value))
      throw DataError(fmt::format("site '{}' is given NaN (what is done or observed are numbers). Give one.", site));
  if (!actions_.emplace(site, std::move(action)).second)
    throw DataError(fmt::format("site '{}' is done or observed twice (it has one value). Leave one out.", site));
}

Data Data::without_actions() const {
  Data copy = *this;
  copy.actions_.clear();
  return copy;
}

Data Data::stack(const std::vector<Data>& sets) {
  if (sets.empty()) throw DataError("no data sets were given to stack (at least one is needed). Pass one or more.");
  Data stacked = sets[0];
  const std::int64_t count = std::int64_t(sets.size());
  for (const Data& set : sets) {
    if (set.labels_ != sets[0].labels_)
      throw DataError(
          "data sets to be stacked have different labels (all share their dimensions). Make the labels equal.");
    if (set.options_ != sets[0].options_)
      throw DataError(
          "data sets to be stacked have different options (all are bound by the same model). Make the options equal.");
    if (set.actions_ != sets[0].actions_)
      throw DataError(
          "data sets to be stacked have different sites done or observed (all are bound by the same model). Make them equal.");
    if (set.fields_.size() != sets[0].fields_.size())
      throw DataError(
          "data sets to be stacked have different fields (all are bound by the same model). Give each the same ones.");
  }
  for (auto& [name, field] : stacked.fields_) {
    bool shared = true;
    for (const Data& set : sets) {
      const auto other = set.fields_.find(name);
      if (other == set.fields_.end() || other->second.shape != field.shape || other->second.columns != 1)
        throw DataError(
            fmt::format("field '{}' is missing or has another shape in one of the data sets to be stacked (all "
                        "must be alike). Make its shapes equal.",
                        name));
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

DataViews::DataViews(const Data& data, bool singles) {
  for (const auto& [name, field] : data.fields()) {
    const bool whole = std::all_of(field.values.begin(), field.values.end(),
                                   [](double v) { return std::isfinite(v) && v == std::floor(v); });
    fields_.push_back({name.c_str(), field.values.data(), field.shape.data(), std::int64_t(field.shape.size()),
                       field.columns, whole});
  }
  for (const auto& [dim, labels] : data.labels()) {
    label_pointers_.emplace_back();
    for (const std::string& label : labels) label_pointers_.back().push_back(label.c_str());
    labels_.push_back({dim.c_str(), label_pointers_.back().data(), std::int64_t(labels.size())});
  }
  for (const auto& [name, value] : data.options()) options_.push_back({name.c_str(), value});
  for (const auto& [site, action] : data.actions())
    actions_.push_back({site.c_str(), action.keeps_density, action.values.data(), std::int64_t(action.values.size())});
  view_ = {fields_.data(),  std::int64_t(fields_.size()),  labels_.data(), std::int64_t(labels_.size()),
           options_.data(), std::int64_t(options_.size()), singles,
           actions_.data(), std::int64_t(actions_.size())};
}

}  // namespace lockstep
