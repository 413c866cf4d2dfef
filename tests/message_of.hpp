// The message of the exception that `action` throws.
#pragma once

#include <exception>
#include <string>

namespace lockstep {

std::string message_of(auto action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace lockstep
