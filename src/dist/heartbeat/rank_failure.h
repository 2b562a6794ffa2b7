#pragma once

#include <cstdint>
#include <string>

namespace onecycle {

// Why the ranks cannot go on. There is one: the first that is posted.
struct RankFailure {
  // `gave_up`: the rank said so itself; `out_of_memory`: for that reason, and the run ends in
  // order. `lost`: it ended, or was not heard of, without a word.
  enum class Kind { gave_up, lost, out_of_memory };

  Kind kind = Kind::lost;
  std::int64_t rank = -1;  // whose fault it is; -1 where nobody's
  std::string text;        // one line for people, which names the rank
  bool own = false;        // posted by this process, which is to print it
};

}  // namespace onecycle
