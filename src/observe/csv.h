#pragma once

#include "onecycle/events.h"

#include <fstream>
#include <string>

namespace onecycle {

// steps.csv, a row a log point, and metrics.csv, a row an evaluation, each on the disk as soon as
// it is known. Loss and accuracy are means over samples; empty where there is no such split.
class CsvWriter : public Observer {
 public:
  // Throws Error where the files cannot be made.
  explicit CsvWriter(const std::string& folder);

  void on_log_point(const LogPoint& point, StopSignal& stop) override;
  void on_evaluated(const Evaluated& event, StopSignal& stop) override;

 private:
  std::ofstream steps_;
  std::ofstream metrics_;
};

}  // namespace onecycle
