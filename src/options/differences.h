#pragma once

#include "onecycle/value.h"

#include <string>
#include <vector>

namespace onecycle {

// "train.duration: 5ep -> 10ep" for every key of the two trees that differs.
std::vector<std::string> differences(const Value& before, const Value& after);

}  // namespace onecycle
