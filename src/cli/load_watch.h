#pragma once

#include "cli/command.h"

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

// Shows the progress of reading data, and its warnings.
LoadWatch load_watch(const Console& console);

}  // namespace onecycle
