#pragma once

#include "onecycle/events.h"

#include "cli/console.h"

namespace onecycle {

// How far a sweep or a trial is, on a terminal: one line that is written over.
class StepProgress : public Observer {
 public:
  explicit StepProgress(const Console& console) : console_(console) {}
  void on_run_begin(const RunBegin& event) override;
  void on_log_point(const LogPoint& point, StopSignal& stop) override;
  void on_run_end(const RunEnd& end) override;

 protected:
  const Console console_;

 private:
  std::int64_t total_ = 0;
};

}  // namespace onecycle
