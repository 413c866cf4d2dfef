// What a data set that is no good says about itself.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lockstep/dataset.hpp"

namespace lockstep {

// The message of the DataError that `f` throws.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

// `f` throws a DataError of the form "Problem (why) suggestion." that has each of `parts`.
template <class F>
void expect_error(const F& f, const std::vector<std::string>& parts) {
  const std::string message = message_of(f);
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n  in: " << message;
  const std::size_t why = message.find(" ("), suggestion = message.rfind("). ");
  EXPECT_TRUE(why != std::string::npos && suggestion != std::string::npos && why < suggestion && message.back() == '.')
      << "not of the form \"Problem (why) suggestion.\": " << message;
  EXPECT_LT(message.size(), 500u) << message;
}

}  // namespace lockstep
