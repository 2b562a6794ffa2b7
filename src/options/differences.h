#pragma once

#include "onecycle/value.h"

#include <string>
#include <vector>

namespace onecycle {

// A key of two trees that differs; "null" where one lacks it.
struct Difference {
  std::string path;
  std::string before;
  std::string after;
};

std::vector<Difference> differing(const Value& before, const Value& after);

// "train.duration: 5ep -> 10ep" for every key of the two trees that differs.
std::vector<std::string> differences(const Value& before, const Value& after);

}  // namespace onecycle
