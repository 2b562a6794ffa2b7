#include "tuning/range_test/range_test_json.h"

#include "core/text/csv_text.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "core/text/metric_text.h"
#include "core/text/number.h"
#include "tuning/range_test/smoothing.h"

namespace onecycle {

namespace {

void add_band(Json& json, const std::string& name, const Band& band) {
  json[name] = band.value;
  json[name + "_low"] = band.low;
  json[name + "_high"] = band.high;
}

// What the values of the first metric are called; nothing where the task has none. Accuracy where
// there was no sweep to tell.
std::optional<std::string> metric_key(const RangeTest& test) {
  if (test.sweeps.empty()) return "held_out_" + accuracy_metric().name;
  const std::vector<Metric>& metrics = test.sweeps[0].curve.metrics;
  if (metrics.empty()) return std::nullopt;
  return "held_out_" + metrics[0].name;
}

Json json_of(const std::vector<SmoothedPoint>& points, const std::optional<std::string>& metric) {
  Json list = Json::array();
  for (const SmoothedPoint& point : points) {
    Json json = {{"x", point.x}};
    add_band(json, "train_loss", point.train_loss);
    add_band(json, "held_out_loss", point.held_out_loss);
    if (metric) add_band(json, *metric, point.held_out_metric);
    json["standard_error"] = point.standard_error;
    list.push_back(std::move(json));
  }
  return list;
}

const char* name_of(SweepAxis axis) {
  switch (axis) {
    case SweepAxis::momentum:
      return "momentum";
    case SweepAxis::step:
      return "step";
    case SweepAxis::lr:
      break;
  }
  return "learning rate";
}

Json json_of(const LabelledSweep& sweep, const std::optional<std::string>& metric) {
  Json points = Json::array();
  for (const SweepPoint& point : sweep.curve.points) {
    points.push_back({{"step", point.step},
                      {"lr", point.lr},
                      {"momentum", point.momentum},
                      {"train_loss", point.train_loss},
                      {"held_out_loss", point.held_out_loss}});
    if (metric) points.back()[*metric] = Json(point.held_out_metric);
  }
  return {{"label", sweep.label},
          {"shape", sweep.plan.shape == SweepShape::linear ? "linear" : "exponential"},
          {"seed", sweep.seed},
          {"stopped", sweep.curve.stopped},
          {"points", std::move(points)}};
}

const char* measure_name(const RangeTest& test) {
  const bool by_loss = !test.sweeps.empty() && test.sweeps[0].curve.measure == Measure::loss;
  return by_loss ? "loss" : "accuracy";
}

Json causal_of(const SweepCurve& curve) {
  Json list = Json::array();
  CausalAverage average;
  for (const SweepPoint& point : curve.points)
    list.push_back({{"lr", point.lr}, {"train_loss", average.add(point.train_loss)}});
  return list;
}

}  // namespace

std::string range_test_json(const RangeTest& test, const std::string& name,
                            const std::string& machine, const std::string& recipe,
                            const std::string& settings) {
  const auto metric = metric_key(test);
  Json sweeps = Json::array();
  for (const LabelledSweep& sweep : test.sweeps) sweeps.push_back(json_of(sweep, metric));
  Json suggestions = Json::array();
  for (const Suggestion& one : test.suggestions)
    suggestions.push_back({{"rule", one.rule}, {"lr", one.lr}, {"reason", one.reason}});
  Json overlays = Json::array();
  for (const Overlay& overlay : test.overlays)
    overlays.push_back({{"of", overlay.of},
                        {"label", overlay.label},
                        {"best", overlay.best},
                        {"axis", name_of(overlay.axis)},
                        {"stable_to", overlay.stable_to},
                        {"held_out_loss", overlay.held_out_loss},
                        {"smoothed", json_of(overlay.smoothed, metric)}});
  Json json = {{"kind", "range_test"},
               {"name", name},
               {"refused", test.refused.empty() ? Json() : Json(test.refused)},
               {"lr_max", test.lr_max},
               {"lr_min", test.lr_min},
               {"lr_other", test.lr_other},
               {"uncertain", test.uncertain},
               {"measure", measure_name(test)},
               {"seed_numbers", test.seed_numbers},
               {"sweeps", std::move(sweeps)},
               {"smoothed", json_of(test.smoothed, metric)},
               {"causal", test.sweeps.empty() ? Json::array() : causal_of(test.sweeps[0].curve)},
               {"suggestions", std::move(suggestions)},
               {"overlays", std::move(overlays)},
               {"machine", machine},
               {"recipe", recipe},
               {"settings", settings},
               {"words", test.words}};
  if (!test.sweeps.empty()) add_metric(json, test.sweeps[0].curve.metrics);
  return json_text(json, 1) + "\n";
}

std::string range_test_csv(const RangeTest& test) {
  const auto metric = metric_key(test);
  std::string text = "sweep,seed,step,lr,momentum,train_loss,held_out_loss";
  text += (metric ? "," + csv_cell(*metric) : "") + "\n";
  for (const LabelledSweep& sweep : test.sweeps)
    for (const SweepPoint& point : sweep.curve.points)
      text += format("{},{},{},{},{},{},{}{}\n", csv_cell(sweep.label), sweep.seed, point.step,
                     number_text(point.lr), number_text(point.momentum),
                     number_text(point.train_loss), csv_cell(point.held_out_loss),
                     metric ? "," + csv_cell(point.held_out_metric) : "");
  return text;
}

}  // namespace onecycle
