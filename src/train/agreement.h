#pragma once

#include "onecycle/events.h"
#include "onecycle/group.h"

#include <cstdint>
#include <utility>

namespace onecycle {

// Makes a request that one rank got, by a signal or an observer, the request of all of them, after
// the same step.
class Agreement {
 public:
  explicit Agreement(Group& group) : group_(group) {}

  // Whether the ranks are to meet after `steps` steps, `seconds` into the run: after every step of
  // one process, several times a second of more.
  bool due(std::int64_t steps) const { return steps >= next_; }
  // Collective. The lowest rank's request becomes every rank's.
  void settle(StopSignal& stop, std::int64_t steps, double seconds);

  // What was agreed on.
  bool stops() const { return stops_; }
  bool take_checkpoint_request() { return std::exchange(checkpoint_, false); }
  // After StopSignal::withdraw.
  void withdraw() { stops_ = false; }
  // A signal was among the requests.
  bool signalled() const { return signalled_; }

 private:
  Group& group_;
  bool stops_ = false;
  bool signalled_ = false;
  bool checkpoint_ = false;
  std::int64_t next_ = 0;  // steps
  std::int64_t last_steps_ = 0;
  double last_seconds_ = 0;
};

}  // namespace onecycle
