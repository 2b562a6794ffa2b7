#pragma once

#include "dist/heartbeat/awake_clock.h"
#include "dist/heartbeat/status_board.h"

#include <chrono>
#include <optional>
#include <vector>

namespace onecycle {

// What one rank knows of the others' signs of life, by its own clock alone; a look counts
// `most_a_look` at the most.
class Peers {
 public:
  using Clock = std::chrono::steady_clock;
  using Duration = std::chrono::milliseconds;

  Peers(std::int64_t rank, std::int64_t size, Duration most_a_look)
      : rank_(rank), clock_(most_a_look), seen_(static_cast<std::size_t>(size)) {}

  void look(const std::vector<std::optional<RankStatus>>& beats, Clock::time_point now);

  // Another rank at work whose beat has stood still for longer, as a failure.
  std::optional<RankFailure> silent_for(Duration timeout) const;
  // One that has not shown up in so long.
  std::optional<RankFailure> absent_for(Duration timeout) const;
  // The best that can be said where a connection broke and nobody is silent.
  RankFailure slowest() const;
  // Whether all others have come, and have ended, know the failure or are silent.
  bool all_told(Duration silence) const;
  std::optional<RankStatus> beat_of(std::int64_t rank) const;

 private:
  struct Seen {
    std::optional<RankStatus> beat;
    Duration silence{0};
  };

  std::int64_t rank_;
  AwakeClock clock_;
  std::vector<Seen> seen_;
};

// "30 s", "2.5 s"
std::string seconds_text(std::chrono::milliseconds duration);

}  // namespace onecycle
