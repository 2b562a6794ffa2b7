#include "onecycle/observers.h"

#include "observe/csv.h"
#include "observe/early_stop.h"
#include "observe/progress.h"

#include <unistd.h>

namespace onecycle {

namespace {

using LogPointCall = std::function<void(const LogPoint&, StopSignal&)>;
using EvaluatedCall = std::function<void(const Evaluated&, StopSignal&)>;

class Calls : public Observer {
 public:
  Calls(LogPointCall at_log_points, EvaluatedCall at_evaluations)
      : at_log_points_(std::move(at_log_points)), at_evaluations_(std::move(at_evaluations)) {}

  void on_log_point(const LogPoint& point, StopSignal& stop) override {
    if (at_log_points_) at_log_points_(point, stop);
  }
  void on_evaluated(const Evaluated& event, StopSignal& stop) override {
    if (at_evaluations_) at_evaluations_(event, stop);
  }

 private:
  LogPointCall at_log_points_;
  EvaluatedCall at_evaluations_;
};

}  // namespace

std::shared_ptr<Observer> progress(std::FILE* out) {
  return std::make_shared<Progress>(out, isatty(fileno(out)) != 0, /*verbose=*/false);
}

std::shared_ptr<Observer> csv(const std::string& folder, const std::vector<Metric>& metrics) {
  return std::make_shared<CsvWriter>(folder, metrics);
}

std::shared_ptr<Observer> early_stop(const EarlyStopOptions& options) {
  return std::make_shared<EarlyStop>(options.patience, options.min_delta, options.by_loss);
}

std::shared_ptr<Observer> on_log_point(LogPointCall call) {
  return std::make_shared<Calls>(std::move(call), nullptr);
}

std::shared_ptr<Observer> on_evaluated(EvaluatedCall call) {
  return std::make_shared<Calls>(nullptr, std::move(call));
}

}  // namespace onecycle
