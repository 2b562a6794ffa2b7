#pragma once

#include "dist/heartbeat/rank_failure.h"
#include "dist/launch/place.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace onecycle {

// 30 s, or ONECYCLE_RANK_TIMEOUT's seconds. Throws UsageError.
std::chrono::milliseconds rank_timeout();

struct HeartbeatOptions {
  using Duration = std::chrono::milliseconds;

  Duration interval{1000};
  Duration timeout = rank_timeout();  // a rank not heard of for so long is missing
  Duration join_timeout{300000};      // ... at the start, before it was ever heard of
  Duration grace{5000};               // from a failure to the end of the process
  // What is done with a failure that this rank is to tell, and when the grace is over, with the
  // failure's text; by default a line on stderr, and _exit(1): the main thread may never return
  // from a collective.
  std::function<void(const std::string& line)> say;
  std::function<void(const std::string& why)> end;
};

// This rank's sign of life for the others, and a watch over theirs, in threads with a connection
// to the store of their own. When a rank is missed, one of the others says which, and all end.
// The store must outlive it.
class Heartbeat {
 public:
  // Throws DistError where the store cannot be reached.
  explicit Heartbeat(const RankPlace& place, HeartbeatOptions options = {});
  // Stops without a word to the others; where this rank serves the store and they are to end,
  // waits until they know (at most a few seconds).
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  // The step that the rank is at, for the line that says so should it go missing.
  void at(std::int64_t step);

  // This rank cannot go on, for a reason of its own, which it prints itself. The others learn
  // "rank 1: why" and end. False where something else had ended the run before.
  bool give_up(const std::string& why, RankFailure::Kind kind = RankFailure::Kind::gave_up);
  // For the main thread, after a collective failed: waits for a failure or for a rank that is not
  // heard of any more, and returns what all ranks will take for the reason.
  RankFailure await_failure(std::chrono::milliseconds patience);
  // The same, as the line to end with; empty where another process, or the watch, says it.
  std::string explain(std::chrono::seconds patience);

  // The run ends in order, whatever its exit code: nobody is to miss this rank. The last call.
  void finish();

  // Where the run is kept: a launcher that starts all ranks again passes it on in ONECYCLE_RESUME.
  void announce_folder(const std::string& folder);

 private:
  class Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace onecycle
