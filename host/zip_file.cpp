#include "host/zip_file.hpp"

#include <fmt/format.h>
#include <zip.h>

#include <memory>
#include <stdexcept>

namespace lockstep {

std::string read_zipped(const std::filesystem::path& archive, const std::string& entry) {
  const auto refuse = [&](const std::string& problem) {
    throw std::runtime_error(fmt::format("'{}' cannot be read ({}). Check the path, or get the file again.",
                                         archive.string(), problem));
  };
  int code = 0;
  const std::unique_ptr<zip_t, void (*)(zip_t*)> zip(zip_open(archive.c_str(), ZIP_RDONLY, &code), zip_discard);
  if (!zip) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    refuse(text);
  }
  zip_stat_t about;
  if (zip_stat(zip.get(), entry.c_str(), 0, &about) != 0 || !(about.valid & ZIP_STAT_SIZE))
    refuse(fmt::format("it has no entry '{}'", entry));
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(zip.get(), entry.c_str(), 0), zip_fclose);
  if (!file) refuse(zip_strerror(zip.get()));
  // Read piece by piece: the size that the archive states is nothing to allocate by.
  std::string text, piece(1 << 20, '\0');
  while (true) {
    const zip_int64_t count = zip_fread(file.get(), piece.data(), piece.size());
    if (count < 0) refuse(zip_file_strerror(file.get()));
    if (count == 0) break;
    text.append(piece, 0, std::size_t(count));
  }
  if (text.size() != about.size) refuse("it is damaged");
  return text;
}

}  // namespace lockstep
