#include "dist/pulse_peers.h"

#include "core/format.h"

#include <algorithm>

namespace onecycle {

std::string seconds_text(std::chrono::milliseconds duration) {
  return format("{:.3g} s", static_cast<double>(duration.count()) / 1000);
}

void Peers::look(const std::vector<std::optional<Beat>>& beats, Clock::time_point now) {
  const Duration passed = clock_.look(now);
  for (std::size_t rank = 0; rank < seen_.size(); ++rank) {
    Seen& seen = seen_[rank];
    const auto& beat = beats[rank];
    const bool news = beat && (!seen.beat || seen.beat->count != beat->count);
    seen.silence = news ? Duration{0} : seen.silence + passed;
    if (beat) seen.beat = beat;
  }
}

std::optional<RankVerdict> Peers::silent_for(Duration timeout) const {
  for (std::size_t rank = 0; rank < seen_.size(); ++rank) {
    const Seen& seen = seen_[rank];
    if (static_cast<std::int64_t>(rank) == rank_ || !seen.beat || seen.silence < timeout ||
        seen.beat->state != Beat::State::at_work)
      continue;
    RankVerdict verdict;
    verdict.rank = static_cast<std::int64_t>(rank);
    verdict.text = format(
        "{} has not been heard from for {}; it was at step {}: it is stopped, hung or cut off",
        name_of(verdict.rank, *seen.beat), seconds_text(seen.silence), seen.beat->step);
    return verdict;
  }
  return std::nullopt;
}

std::optional<RankVerdict> Peers::absent_for(Duration timeout) const {
  for (std::size_t rank = 0; rank < seen_.size(); ++rank) {
    const Seen& seen = seen_[rank];
    if (seen.beat || seen.silence < timeout) continue;
    RankVerdict verdict;
    verdict.rank = static_cast<std::int64_t>(rank);
    verdict.text = format("rank {} of {} has not joined in {}: was it started?", rank, seen_.size(),
                          seconds_text(seen.silence));
    return verdict;
  }
  return std::nullopt;
}

RankVerdict Peers::slowest() const {
  if (const auto absent = absent_for(Duration{0})) return *absent;
  const auto by_step = [](const Seen& one, const Seen& other) {
    return one.beat->step < other.beat->step;
  };
  const auto [behind, ahead] = std::minmax_element(seen_.begin(), seen_.end(), by_step);
  RankVerdict verdict;
  if (behind->beat->step == ahead->beat->step) {
    verdict.text = format(
        "rank {} lost its connection to the others, which are all alive: look at the network "
        "between them",
        rank_);
    return verdict;
  }
  verdict.rank = behind - seen_.begin();
  verdict.text =
      format("{} is alive but at step {}, when rank {} is at step {}: it hangs or is slow",
             name_of(verdict.rank, *behind->beat), behind->beat->step, ahead - seen_.begin(),
             ahead->beat->step);
  return verdict;
}

bool Peers::all_told(Duration silence) const {
  for (std::size_t rank = 0; rank < seen_.size(); ++rank) {
    const Seen& seen = seen_[rank];
    if (static_cast<std::int64_t>(rank) == rank_) continue;
    if (!seen.beat || (seen.beat->state == Beat::State::at_work && seen.silence < silence))
      return false;
  }
  return true;
}

std::optional<Beat> Peers::beat_of(std::int64_t rank) const {
  return seen_[static_cast<std::size_t>(rank)].beat;
}

}  // namespace onecycle
