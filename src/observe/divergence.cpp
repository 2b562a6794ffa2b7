#include "observe/divergence.h"

#include "core/format.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

DivergenceWatch::DivergenceWatch(double factor, std::int64_t num_classes)
    : factor_(factor),
      reference_(std::log(static_cast<double>(std::max<std::int64_t>(2, num_classes)))) {}

void DivergenceWatch::on_log_point(const LogPoint& point, StopSignal& stop) {
  if (!started_) reference_ = std::max(reference_, point.train.loss);
  started_ = true;
  if (point.train.loss <= factor_ * reference_) return;
  stop.request(
      StopReason::diverged,
      format("the training loss reached {:.4g}, more than {:.4g} times {:.4g}, by step {} "
             "(epoch {:.2f}), where the learning rate was {:.4g}; lower the learning rate",
             point.train.loss, factor_, reference_, point.step, point.epoch, point.hyper.lr));
}

}  // namespace onecycle
