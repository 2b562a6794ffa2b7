#pragma once

#include "onecycle/events.h"

#include "core/text/json.h"

#include <ostream>
#include <string>
#include <vector>

namespace onecycle {

// One JSON object a line: started, log, evaluated, the notices by their names and, last, finished.
// A number that is not finite is null.
class JsonLines : public Observer {
 public:
  JsonLines(std::ostream& out, std::string run_dir) : out_(out), run_dir_(std::move(run_dir)) {}

  void on_run_begin(const RunBegin& event) override;
  void on_log_point(const LogPoint& point, StopSignal& stop) override;
  void on_evaluated(const Evaluated& event, StopSignal& stop) override;
  void on_notice(const Notice& notice) override;
  void on_run_end(const RunEnd& event) override;

 private:
  void add_score(Json& json, const std::string& split, const std::optional<Score>& score) const;

  std::ostream& out_;
  std::string run_dir_;
  std::vector<Metric> metrics_;
};

}  // namespace onecycle
