// Files that are there whole or not at all.
#pragma once

#include <filesystem>
#include <span>

namespace lockstep {

// Writes `bytes` under a temporary name in the same folder, has them on the disk, and renames: whoever opens `path`
// sees the file that was there before or all of the new one. Throws std::runtime_error if that fails (no such folder,
// not allowed, disk full); then nothing is left behind.
void replace_file(const std::filesystem::path& path, std::span<const char> bytes);

}  // namespace lockstep
