// What the readers of text files of data share.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace lockstep {

// Opens a data file. Throws DataError if it is not there, a folder, or may not be read.
std::ifstream open_data_file(const std::filesystem::path& path);
// All of a file, or the rest of one that is open. Throws DataError, also for an input error.
std::string file_content(const std::filesystem::path& path);
std::string remaining_content(std::istream& file, const std::filesystem::path& path);

// Numbers that are written as words: NaN, Inf, -Infinity, in any case.
std::optional<double> special_number(std::string text);

// Where text stops being UTF-8, or has a zero byte, which would end it early for who reads it as a C string; or npos.
std::size_t first_bad_byte(std::string_view text);

}  // namespace lockstep
