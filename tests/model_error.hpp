// What a model's mistake is told as.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lockstep/dataset.hpp"

namespace lockstep {

template <class F>
std::string model_error(const F& f) {
  try {
    f();
  } catch (const ModelError& error) {
    return error.what();
  }
  return "no error";
}
// `f` throws a ModelError of the form "Problem (why) suggestion." that has each of `parts`.
template <class F>
void expect_model_error(const F& f, const std::vector<std::string>& parts) {
  const std::string message = model_error(f);
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n  in: " << message;
  const std::size_t why = message.find(" ("), suggestion = message.rfind("). ");
  EXPECT_TRUE(why != std::string::npos && suggestion != std::string::npos && why < suggestion && message.back() == '.')
      << "not of the form \"Problem (why) suggestion.\": " << message;
}

}  // namespace lockstep
