#include "observe/divergence.h"

#include "core/text/format.h"
#include "core/text/json_text.h"

#include <algorithm>

namespace onecycle {

DivergenceWatch::DivergenceWatch(double factor, std::int64_t window)
    : factor_(factor), window_(window) {}

void DivergenceWatch::on_run_begin(const RunBegin& event) {
  guessing_ = event.guessing_loss.value_or(0);
}

void DivergenceWatch::on_log_point(const LogPoint& point, StopSignal& stop) {
  if (reference_ == 0) reference_ = std::max(guessing_, point.train.loss);
  in_a_row_ = point.train.loss > factor_ * reference_ ? in_a_row_ + 1 : 0;
  if (in_a_row_ < window_) return;
  stop.request(
      StopReason::diverged,
      format("the training loss reached {:.4g}, more than {:.4g} times {:.4g}, by step {} "
             "(epoch {:.2f}), where the learning rate was {:.4g}; lower the learning rate",
             point.train.loss, factor_, reference_, point.step, point.epoch, point.hyper.lr));
}

std::string DivergenceWatch::state() {
  return Json{{"reference", json_of_number(reference_)}, {"in_a_row", in_a_row_}}.dump();
}

void DivergenceWatch::restore(const std::string& state, std::int64_t) {
  const auto json = parse_json(state);
  reference_ = 0;
  in_a_row_ = 0;
  if (!json.is_object() || !json.contains("reference")) return;
  const double reference = number_in_json(json["reference"]);
  if (reference > 0) reference_ = reference;
  if (json.contains("in_a_row") && json["in_a_row"].is_number_unsigned())
    in_a_row_ = json["in_a_row"].get<std::int64_t>();
}

}  // namespace onecycle
