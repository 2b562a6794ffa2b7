#pragma once

#include "onecycle/events.h"

#include "cli/command.h"
#include "cli/console.h"

#include <chrono>
#include <string>

namespace onecycle {

// One line of progress that is written over on a terminal, and every few seconds elsewhere; nothing
// in the first two seconds, or with -q.
class StatusLine {
 public:
  explicit StatusLine(const Console& console);
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(const std::string& text);
  void clear();

 private:
  Console console_;
  std::chrono::steady_clock::time_point next_;
  bool shown_ = false;
};

// Shows the progress of reading data, or of other work on samples, and its warnings.
LoadWatch load_watch(const Console& console);

// How far a sweep or a trial is, on a terminal: one line that is written over.
class StepProgress : public Observer {
 public:
  explicit StepProgress(const Console& console) : console_(console) {}
  void on_run_begin(const RunBegin& event) override;
  void on_log_point(const LogPoint& point, StopSignal& stop) override;
  void on_run_end(const RunEnd& end) override;
  // What stands before the steps: "trial 5 of 13".
  void call(const std::string& label) { label_ = label; }

 protected:
  const Console console_;

 private:
  std::string label_;
  std::int64_t total_ = 0;
};

}  // namespace onecycle
