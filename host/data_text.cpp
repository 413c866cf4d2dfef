#include "host/data_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <system_error>

#include "lockstep/data.hpp"

namespace lockstep {

std::ifstream open_data_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw DataError(fmt::format("'{}' is a folder (a data file is needed). Name the file in it.", path.string()));
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw DataError(fmt::format("the data file '{}' could not be opened ({}). Check its name and permissions.",
                                path.string(), std::generic_category().message(errno)));
  return file;
}

std::string file_content(const std::filesystem::path& path) {
  std::ifstream file = open_data_file(path);
  return remaining_content(file, path);
}

std::string remaining_content(std::istream& file, const std::filesystem::path& path) {
  std::string text;
  std::string block(1 << 20, '\0');
  do {
    file.read(block.data(), std::streamsize(block.size()));
    text.append(block, 0, std::size_t(file.gcount()));
  } while (file);
  if (file.bad())
    throw DataError(fmt::format("the data file '{}' could not be read to its end (an input error). Check the disk.",
                                path.string()));
  return text;
}

std::optional<double> special_number(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (text == "nan") return std::nan("");
  for (const char* positive : {"inf", "+inf", "infinity", "+infinity"})
    if (text == positive) return HUGE_VAL;
  for (const char* negative : {"-inf", "-infinity"})
    if (text == negative) return -HUGE_VAL;
  return std::nullopt;
}

std::size_t first_bad_byte(std::string_view text) {
  using Utf8 = boost::locale::utf::utf_traits<char>;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const begin = at;
    const auto code = static_cast<unsigned char>(*at) < 0x80 ? boost::locale::utf::code_point(*at++) : Utf8::decode(at, end);
    if (code == 0 || code == boost::locale::utf::illegal || code == boost::locale::utf::incomplete)
      return std::size_t(begin - text.data());
  }
  return std::string_view::npos;
}

}  // namespace lockstep
