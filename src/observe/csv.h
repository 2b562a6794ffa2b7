#pragma once

#include "onecycle/events.h"

#include "core/files/append_file.h"

#include <string>
#include <vector>

namespace onecycle {

// steps.csv, a row a log point, and metrics.csv, a row an evaluation, each written as soon as it is
// known; loss and metrics are those of Score (onecycle/score.h), empty where there is no such
// split, it was not evaluated or the metric has no value; `step`: steps done. metrics.json says
// what the metrics are, and in which version the columns (core/text/metric_text.h). The rows go on
// from an earlier session's rows, cut back to the step that is resumed from, and count as they do.
// A row that cannot be written, on a full disk, is lost; `warn` is told.
class CsvWriter : public Observer {
 public:
  // Throws FileError where the files cannot be made.
  CsvWriter(const std::string& folder, const std::vector<Metric>& metrics,
            const AppendFile::Warn& warn = {});

  void on_log_point(const LogPoint& point, StopSignal& stop) override;
  void on_evaluated(const Evaluated& event, StopSignal& stop) override;

  std::string name() const override { return "csv"; }
  std::string state() override;  // the rows of a checkpoint are on the disk before it is
  void restore(const std::string& state, std::int64_t steps) override;

 private:
  std::int64_t step_number(std::int64_t step) const;
  void write_columns() const;

  std::string folder_;
  std::vector<Metric> kinds_;
  int version_;  // of the columns; found out before there are files
  AppendFile steps_;
  AppendFile metrics_;
};

// events.csv: when a run was started, resumed, saved, fell back and ended, and why. Never cut back.
// Rows may be lost as those of CsvWriter.
class EventLog : public Observer {
 public:
  explicit EventLog(const std::string& folder, const AppendFile::Warn& warn = {});

  void on_run_begin(const RunBegin& event) override;
  void on_notice(const Notice& notice) override;
  void on_run_end(const RunEnd& event) override;

 private:
  void write(std::int64_t steps, double epoch, const std::string& event,
             const std::string& message);

  AppendFile file_;
  double steps_per_epoch_ = 1;
};

}  // namespace onecycle
