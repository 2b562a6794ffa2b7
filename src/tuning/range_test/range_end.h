#pragma once

#include "tuning/range_test/pooled.h"

#include <cmath>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// Linear sweeps that end at one rate, one a seed.
struct RangeEnd {
  double high = 0;
  std::vector<std::size_t> sweeps = {};  // into RangeTest::sweeps
  PooledSweeps pooled = {};
  std::vector<double> seed_reaches = {};  // what each seed's sweep reaches alone
  double loss = HUGE_VAL;                 // the least of its training loss
};

// What the sweeps to one end reach less than the best, 0 where they are that, and up to how much of
// it would be noise.
struct CloseCall {
  double less = 0;
  double noise = 0;
};

// Whether it hangs on little that sweeps to `end` reach as much as those to any other: on less than
// the standard error, over the seeds, of the difference to those that say most clearly that they do
// not. Empty: it does not, or there are fewer than two seeds to tell.
std::optional<CloseCall> close_call(const RangeEnd& end, const std::deque<RangeEnd>& all);

// For people: `other` is what the number may be instead.
std::string close_call_text(const CloseCall& close, double end, double other, Measure measure);

// "0.1: 84.2 %, 0.410; 0.32: ...": what is reached by end, and the least training loss.
std::string reaches_text(const std::deque<RangeEnd>& all);

}  // namespace onecycle
