#include "observe/divergence.h"

#include "core/loss_rise.h"
#include "core/text/format.h"
#include "core/text/json_text.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

DivergenceWatch::DivergenceWatch(double factor, std::int64_t window)
    : factor_(factor), window_(window) {}

void DivergenceWatch::on_run_begin(const RunBegin& event) {
  guessing_ = event.guessing_loss;
  may_be_negative_ = event.loss_may_be_negative;
}

void DivergenceWatch::on_log_point(const LogPoint& point, StopSignal& stop) {
  const double loss = point.train.loss;
  // No ratio to 0 means anything.
  const bool unset =
      !reference_ || (*reference_ <= 0 && !by_differences({*reference_, best_, may_be_negative_}));
  if (unset) best_ = *(reference_ = std::max(guessing_.value_or(loss), loss));
  best_ = std::min(best_, loss);
  const LossesSeen seen{*reference_, best_, may_be_negative_};
  const double limit = times_as_bad(*reference_, factor_, seen);
  in_a_row_ = loss > limit ? in_a_row_ + 1 : 0;
  if (in_a_row_ < window_) return;
  stop.request(StopReason::diverged,
               format("the training loss reached {:.4g}, more than {}, by step {} "
                      "(epoch {:.2f}), where the learning rate was {:.4g}; lower the learning rate",
                      loss,
                      by_differences(seen) ? format("{:.4g}", limit)
                                           : format("{:.4g} times {:.4g}", factor_, *reference_),
                      point.step + 1, point.epoch, point.hyper.lr));
}

std::string DivergenceWatch::state() {
  return Json{{"reference", reference_ ? json_of_number(*reference_) : Json()},
              {"best", json_of_number(best_)},
              {"in_a_row", in_a_row_}}
      .dump();
}

void DivergenceWatch::restore(const std::string& state, std::int64_t) {
  const auto json = parse_json(state);
  reference_.reset();
  in_a_row_ = 0;
  if (!json.is_object() || !json.contains("reference")) return;
  const double reference = number_in_json(json["reference"]);
  const bool has_best = json.contains("best");
  if (std::isfinite(reference) && (has_best || reference > 0)) {  // once 0 stood for none
    reference_ = reference;
    best_ = has_best ? number_in_json(json["best"]) : reference;
    if (!std::isfinite(best_)) best_ = reference;
  }
  if (json.contains("in_a_row") && json["in_a_row"].is_number_unsigned())
    in_a_row_ = json["in_a_row"].get<std::int64_t>();
}

}  // namespace onecycle
