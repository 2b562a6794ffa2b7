#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace onecycle {

// Measures the time between looks. What is longer than `most` counts as that: this process was
// stopped meanwhile, or held up, and saw nothing; else one that slept would miss all who slept
// with it.
class AwakeClock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::milliseconds;

  explicit AwakeClock(Duration most) : most_(most) {}

  // 0 at the first look.
  Duration look(Time now) {
    const Duration passed =
        last_ ? std::min(std::chrono::duration_cast<Duration>(now - *last_), most_) : Duration{0};
    last_ = now;
    return passed;
  }

 private:
  Duration most_;
  std::optional<Time> last_;
};

}  // namespace onecycle
