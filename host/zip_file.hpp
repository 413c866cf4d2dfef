// Reading zip archives.
#pragma once

#include <filesystem>
#include <string>

namespace lockstep {

// The content of one entry. Throws std::runtime_error: no such file, no zip archive, no such entry, or damaged.
std::string read_zipped(const std::filesystem::path& archive, const std::string& entry);

}  // namespace lockstep
