// The example data sets that are compiled into the program: every file of models/data/, by name.
#pragma once

#include <cstddef>
#include <string_view>

namespace lockstep {

struct EmbeddedFile {
  std::string_view name;  // file name without folder and ending: "eight_schools"
  std::string_view text;  // the whole file, as it is in the source tree
};

// All embedded files, ordered by name; `count` is set to how many there are.
const EmbeddedFile* embedded_files(std::size_t& count);

}  // namespace lockstep
