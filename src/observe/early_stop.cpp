#include "observe/early_stop.h"

#include "core/text/format.h"
#include "core/text/json_text.h"

#include <cmath>

namespace onecycle {

EarlyStop::EarlyStop(std::int64_t patience, double min_delta, bool by_loss)
    : patience_(patience), min_delta_(min_delta), by_loss_(by_loss) {}

void EarlyStop::on_run_begin(const RunBegin& event) {
  goal_ = goal_of(by_loss_, event.metrics);
  in_own_unit_ = goal_ != Goal::lower_loss && !event.metrics.front().is_fraction;
  monitored_ = goal_ == Goal::lower_loss ? "loss" : event.metrics.front().name;
}

std::string EarlyStop::best_text() const {
  const double value = goal_ == Goal::higher_metric ? *best_ : -*best_;
  return in_own_unit_ ? format("{:.4g}", value) : format("{:.4f}", value);
}

void EarlyStop::on_evaluated(const Evaluated& event, StopSignal& stop) {
  if (!event.validation) return;
  if (const auto better = improvement(*event.validation, goal_, best_, min_delta_)) {
    best_ = better;
    since_best_ = 0;
    return;
  }
  if (++since_best_ < patience_) return;
  // Of a metric that has no value although the loss has one.
  const bool by_name = best_ || std::isfinite(event.validation->loss);
  const std::string on = best_ ? "improved on " + best_text() : "been a number";
  stop.request(StopReason::early_stopped,
               format("the validation {} has not {} for {} evaluations, by step {}",
                      by_name ? monitored_ : "loss", on, since_best_, event.step + 1));
}

std::string EarlyStop::state() {
  return Json{{"best", best_ ? json_of_number(*best_) : Json()}, {"since_best", since_best_}}
      .dump();
}

void EarlyStop::restore(const std::string& state, std::int64_t) {
  const Json json = parse_json(state);
  best_.reset();
  since_best_ = 0;
  if (!json.is_object()) return;
  const double best = json.contains("best") ? number_in_json(json["best"]) : NAN;
  if (!std::isnan(best)) best_ = best;
  if (json.contains("since_best") && json["since_best"].is_number_unsigned())
    since_best_ = json["since_best"].get<std::int64_t>();
}

}  // namespace onecycle
