#include "dist/heartbeat/peers.h"

#include "core/text/format.h"

#include <algorithm>

namespace onecycle {

std::string seconds_text(std::chrono::milliseconds duration) {
  return format("{:.3g} s", static_cast<double>(duration.count()) / 1000);
}

void Peers::look(const std::vector<std::optional<RankStatus>>& beats, Clock::time_point now) {
  const Duration passed = clock_.look(now);
  for (std::size_t rank = 0; rank < seen_.size(); ++rank) {
    Seen& seen = seen_[rank];
    const auto& beat = beats[rank];
    const bool news = beat && (!seen.beat || seen.beat->count != beat->count);
    seen.silence = news ? Duration{0} : seen.silence + passed;
    if (beat) seen.beat = beat;
  }
}

std::optional<RankFailure> Peers::silent_for(Duration timeout) const {
  for (std::size_t rank = 0; rank < seen_.size(); ++rank) {
    const Seen& seen = seen_[rank];
    if (static_cast<std::int64_t>(rank) == rank_ || !seen.beat || seen.silence < timeout ||
        seen.beat->state != RankStatus::State::at_work)
      continue;
    RankFailure failure;
    failure.rank = static_cast<std::int64_t>(rank);
    failure.text = format(
        "{} has not been heard from for {}; it was at step {}: it is stopped, hung or cut off",
        name_of(failure.rank, *seen.beat), seconds_text(seen.silence), seen.beat->step);
    return failure;
  }
  return std::nullopt;
}

std::optional<RankFailure> Peers::absent_for(Duration timeout) const {
  for (std::size_t rank = 0; rank < seen_.size(); ++rank) {
    const Seen& seen = seen_[rank];
    if (seen.beat || seen.silence < timeout) continue;
    RankFailure failure;
    failure.rank = static_cast<std::int64_t>(rank);
    failure.text = format("rank {} of {} has not joined in {}: was it started?", rank, seen_.size(),
                          seconds_text(seen.silence));
    return failure;
  }
  return std::nullopt;
}

RankFailure Peers::slowest() const {
  if (const auto absent = absent_for(Duration{0})) return *absent;
  const auto by_step = [](const Seen& one, const Seen& other) {
    return one.beat->step < other.beat->step;
  };
  const auto [behind, ahead] = std::minmax_element(seen_.begin(), seen_.end(), by_step);
  RankFailure failure;
  if (behind->beat->step == ahead->beat->step) {
    failure.text = format(
        "rank {} lost its connection to the others, which are all alive: look at the network "
        "between them",
        rank_);
    return failure;
  }
  failure.rank = behind - seen_.begin();
  failure.text =
      format("{} is alive but at step {}, when rank {} is at step {}: it hangs or is slow",
             name_of(failure.rank, *behind->beat), behind->beat->step, ahead - seen_.begin(),
             ahead->beat->step);
  return failure;
}

bool Peers::all_told(Duration silence) const {
  for (std::size_t rank = 0; rank < seen_.size(); ++rank) {
    const Seen& seen = seen_[rank];
    if (static_cast<std::int64_t>(rank) == rank_) continue;
    if (!seen.beat || (seen.beat->state == RankStatus::State::at_work && seen.silence < silence))
      return false;
  }
  return true;
}

std::optional<RankStatus> Peers::beat_of(std::int64_t rank) const {
  return seen_[static_cast<std::size_t>(rank)].beat;
}

}  // namespace onecycle
