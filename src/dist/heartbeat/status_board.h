#pragma once

#include "dist/group/store.h"
#include "dist/heartbeat/rank_failure.h"

#include <string>
#include <vector>

namespace onecycle {

// What a rank tells the others about itself, about every second.
struct RankStatus {
  // `done`: it ends in order and nobody is to miss it. `heard`: it knows the failure.
  enum class State { at_work, done, heard };

  std::int64_t count = 0;
  State state = State::at_work;
  std::int64_t step = 0;
  std::int64_t pid = 0;
  std::string host;
};

// "rank 1 (node07, pid 123)"
std::string name_of(std::int64_t rank, const RankStatus& beat);

// Where the ranks of one attempt, and their launcher, read of one another, in the store. Safe to
// use from several threads. What c10d throws where the store is gone goes through. A store that a
// launcher of others serves may be written to by anyone: what is read is checked.
class StatusBoard {
 public:
  // `size`: how many ranks there are.
  StatusBoard(Store store, std::string writer, std::int64_t size)
      : store_(std::move(store)), writer_(std::move(writer)), size_(size) {}

  void tell(std::int64_t rank, const RankStatus& beat);
  // By rank; nothing for those that have told nothing yet, or what is no beat.
  std::vector<std::optional<RankStatus>> beats();

  // Posts it unless there is one already; returns the one that holds.
  RankFailure post(const RankFailure& failure);
  std::optional<RankFailure> failure();

  // The folder of the run, for the next attempt.
  void announce_folder(const std::string& folder);
  std::string folder();  // empty before it was announced

 private:
  RankFailure read_failure(const std::string& text) const;

  Store store_;
  std::string writer_;
  std::int64_t size_;
};

}  // namespace onecycle
