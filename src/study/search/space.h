#pragma once

#include "onecycle/search.h"

#include <set>
#include <string>
#include <vector>

namespace onecycle {

// Setting `index` of a space without a continuous axis, the last axis changing fastest.
Setting nth_setting(const std::vector<Axis>& axes, std::uint64_t index);

// Draws settings, each once: every draw is Philox of (seed, number, key), drawn again where the
// setting, or a value of a continuous axis, came before.
class Sampler {
 public:
  Sampler(const SearchSpace& space, std::int64_t seed);

  // Nothing once every setting of the space was drawn.
  std::optional<Setting> next();

 private:
  std::optional<Setting> accepted(std::uint64_t trial, std::uint32_t draw);

  std::vector<Axis> axes_;
  std::uint64_t seed_;
  std::uint64_t number_ = 0;
  std::set<std::string> seen_;
  std::vector<std::set<std::string>> seen_values_;  // of each continuous axis
};

}  // namespace onecycle
