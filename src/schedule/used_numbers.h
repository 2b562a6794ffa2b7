#pragma once

#include "onecycle/schedule.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// What a schedule takes for the options that its recipe leaves open.
namespace onecycle {

// The option's key in the recipe's `schedule`, and what a recipe would write for the same.
using UsedNumbers = std::vector<std::pair<std::string, std::string>>;

// What a Schedule may be besides: one that knows them.
class WithUsedNumbers {
 public:
  virtual ~WithUsedNumbers() = default;
  // In a run of `total` steps; of options that the recipe names too.
  virtual UsedNumbers used_numbers(std::int64_t total) const = 0;
};

// None where the schedule does not know them.
UsedNumbers used_numbers(const Schedule& schedule, std::int64_t total);

}  // namespace onecycle
