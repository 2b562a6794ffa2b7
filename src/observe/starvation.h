#pragma once

#include "onecycle/events.h"

#include "core/process/processors.h"

#include <functional>
#include <string>

namespace onecycle {

// Says once, some seconds into a run, that its threads wait for processors that others use. Threads
// that compute together all wait for the slowest of them, so that fewer may be faster.
class StarvationWatch : public Observer {
 public:
  using Times = std::function<std::optional<RunQueueTimes>()>;
  using Say = std::function<void(const std::string&)>;

  explicit StarvationWatch(Say say, Times times = run_queue_times)
      : say_(std::move(say)), times_(std::move(times)) {}

  void on_run_begin(const RunBegin& event) override;
  void on_log_point(const LogPoint& event, StopSignal& stop) override;

 private:
  Say say_;
  Times times_;
  std::optional<RunQueueTimes> begin_;  // nothing once it has looked
};

}  // namespace onecycle
