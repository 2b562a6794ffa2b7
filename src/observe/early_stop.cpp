#include "observe/early_stop.h"

#include "core/format.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace onecycle {

using Json = nlohmann::json;

EarlyStop::EarlyStop(std::int64_t patience, double min_delta, bool by_loss)
    : patience_(patience), min_delta_(min_delta), by_loss_(by_loss) {}

void EarlyStop::on_evaluated(const Evaluated& event, StopSignal& stop) {
  if (!event.validation) return;
  const double value = by_loss_ ? -event.validation->loss : event.validation->accuracy;
  if (!best_ || value > *best_ + min_delta_) {
    best_ = value;
    since_best_ = 0;
    return;
  }
  if (++since_best_ < patience_) return;
  stop.request(StopReason::early_stopped,
               format("the validation {} has not improved on {:.4f} for {} evaluations, by step {}",
                      by_loss_ ? "loss" : "accuracy", std::abs(*best_), since_best_, event.step));
}

std::string EarlyStop::state() {
  return Json{{"best", best_ ? Json(*best_) : Json()}, {"since_best", since_best_}}.dump();
}

void EarlyStop::restore(const std::string& state, std::int64_t) {
  const Json json = Json::parse(state, nullptr, /*allow_exceptions=*/false);
  best_.reset();
  since_best_ = 0;
  if (!json.is_object()) return;
  if (json.contains("best") && json["best"].is_number()) best_ = json["best"].get<double>();
  if (json.contains("since_best") && json["since_best"].is_number_unsigned())
    since_best_ = json["since_best"].get<std::int64_t>();
}

}  // namespace onecycle
