// What holds whatever a reader is given.
#pragma once

#include <exception>

#include "lockstep/data.hpp"

namespace lockstep::fuzz {

// Ends the process, saying what does not hold.
void require(bool holds, const char* what);

// A message that a user can read: some text, in UTF-8, of sensible length.
void require_message(const std::exception& error);

// A data set whose shapes and values agree, and which a model may bind or refuse.
void require_sound(const Data& data);

}  // namespace lockstep::fuzz
