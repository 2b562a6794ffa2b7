#pragma once

#include "onecycle/value.h"

#include <string>
#include <vector>

namespace onecycle {

// A value that two trees have otherwise, each as it was written, in one line of YAML; "null" where
// one lacks it.
struct Difference {
  std::string path;  // "schedule.lr_max"
  std::string before;
  std::string after;
};

// In the order of the trees.
std::vector<Difference> differing(const Value& before, const Value& after);

// "train.duration: 5ep -> 10ep" for every key of the two trees that differs.
std::vector<std::string> differences(const Value& before, const Value& after);

}  // namespace onecycle
