#include "cli/step_progress.h"

#include "core/text/format.h"
#include "core/text/print.h"

#include <algorithm>

namespace onecycle {

void StepProgress::on_run_begin(const RunBegin& event) { total_ = event.total_steps; }

void StepProgress::on_log_point(const LogPoint& point, StopSignal&) {
  const std::int64_t tenth = std::max<std::int64_t>(1, total_ / 10);
  if (!console_.terminal() || console_.quiet() || (point.step + 1) % tenth > point.step % tenth)
    return;
  print(console_.out(), "\r\x1b[K  step {} of {}  lr {:.3g}  loss {:.4f}", point.step + 1, total_,
        point.hyper.lr, point.train.loss);
  std::fflush(console_.out());
}

void StepProgress::on_run_end(const RunEnd&) {
  if (console_.terminal() && !console_.quiet()) print(console_.out(), "\r\x1b[K");
}

}  // namespace onecycle
