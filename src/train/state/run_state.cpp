#include "train/state/run_state.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/json_text.h"

#include <cmath>

namespace onecycle {

using kernels::LossScale;
using kernels::MetricSums;

namespace {

Json json_of(double value) { return json_of_number(value); }

double number_in(const Json& json) { return number_in_json(json); }

Json json_of_count(double count) {
  constexpr double kLargestCount = 9e18;  // what cannot be a count is written as it is, and refused
  return std::abs(count) < kLargestCount && count == std::floor(count)
             ? Json(static_cast<std::int64_t>(count))
             : json_of(count);
}

// The task's first sum stands before the counts, where accuracy was when there was no other. Those
// after the last that is not zero are left out, but for the first ones. The weight, where there is
// one, stands beside the loss.
Json json_of(const MetricSums& sums) {
  constexpr int kAlways = 4;
  const Json loss = sums.weight == 0 ? json_of(sums.loss)
                                     : Json::array({json_of(sums.loss), json_of(sums.weight)});
  Json json = {loss, json_of_count(sums.own[0]), json_of_count(sums.samples),
               json_of_count(sums.batches), json_of_count(sums.first_bad)};
  int count = kMostSums;
  while (count > kAlways && sums.own[count - 1] == 0) --count;
  for (int i = 1; i < count; ++i) json.push_back(json_of_count(sums.own[i]));
  return json;
}

MetricSums sums_of(const Json& json) {
  const Json& loss = json.at(0);
  const bool weighted = loss.is_array();
  MetricSums sums{number_in(weighted ? loss.at(0) : loss), number_in(json.at(2)),
                  number_in(json.at(3)), number_in(json.at(4))};
  if (weighted) sums.weight = number_in(loss.at(1));
  sums.own[0] = number_in(json.at(1));
  for (std::size_t i = 5; i < json.size() && i < 4 + kMostSums; ++i)
    sums.own[i - 4] = number_in(json.at(i));
  return sums;
}

Json json_of(const std::optional<LossScale>& scale) {
  if (!scale) return {};
  return {json_of(static_cast<double>(scale->scale)), scale->good_steps, scale->skipped};
}

std::optional<LossScale> scale_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  LossScale scale;
  scale.scale = static_cast<float>(number_in(json.at(0)));
  scale.inverse = 1 / scale.scale;
  scale.good_steps = json.at(1);
  scale.skipped = json.at(2);
  return scale;
}

Json json_of(const std::vector<LearningCurvePoint>& curve) {
  Json json = Json::array();
  for (const LearningCurvePoint& point : curve)
    json.push_back({json_of(point.epoch), json_of(point.lr), json_of(point.train_loss),
                    json_of(point.validation_loss)});
  return json;
}

std::vector<LearningCurvePoint> curve_of(const Json& json) {
  std::vector<LearningCurvePoint> curve;
  for (const Json& point : json)
    curve.push_back({number_in(point.at(0)), number_in(point.at(1)), number_in(point.at(2)),
                     number_in(point.at(3))});
  return curve;
}

// A state is read as any file is: what the loop divides by, counts with and indexes by is checked.
class StateCheck {
 public:
  explicit StateCheck(const std::string& source) : source_(source) {}

  void run(const RunState& state) const {
    in_range("steps", state.steps, 0, kMostCounted);
    in_range("total_batch", state.total_batch, 0, kMostCounted);
    sums("sums", state.sums);
    sums("logged", state.logged);
    sums("evaluated", state.evaluated);
    if (state.scale) {
      in_range("loss_scale", state.scale->scale, kLeastScale, kLargestScale);
      in_range("loss_scale, good steps", state.scale->good_steps, 0, kMostCounted);
      in_range("loss_scale, skipped", state.scale->skipped, 0, kMostCounted);
    }
    in_range("seconds", state.seconds, 0, kMostCounted);
    in_range("evaluation_seconds", state.evaluation_seconds, 0, state.seconds);
    in_range("lr_scale", state.lr_scale, kLeastScale, 1);
    in_range("retries", state.retries, 0, kMostCounted);
    for (const auto* score : {&state.train, &state.validation, &state.test}) {
      if (!*score) continue;
      in_range("a score's metrics", (*score)->metrics.size(), 0, kMostMetrics);
      in_range("a score's samples", (*score)->samples, 0, kMostCounted);
    }
    for (const LearningCurvePoint& point : state.curve) {
      in_range("course, epoch", point.epoch, 0, kMostCounted);
      in_range("course, lr", point.lr, 0, kMostCounted);
    }
  }

 private:
  static constexpr double kMostCounted = 9007199254740992;  // 2^53
  static constexpr double kLeastScale = 1e-30;
  static constexpr double kLargestScale = 1e30;

  template <class Number>
  void in_range(const char* field, Number number, double low, double high) const {
    const auto value = static_cast<double>(number);
    if (value >= low && value <= high) return;  // NaN is neither
    throw CheckpointError(
        format("{}: its state says {}: {}, which is impossible; use an intact checkpoint", source_,
               field, number));
  }
  void sums(const char* field, const MetricSums& sums) const {
    in_range(field, sums.samples, 0, kMostCounted);
    in_range(field, sums.batches, 0, kMostCounted);
    in_range(field, sums.first_bad, -1, kMostCounted);
    in_range(field, sums.weight, 0, kMostCounted);
  }

  const std::string& source_;
};

}  // namespace

Json json_of_score(const std::optional<Score>& score) {
  if (!score) return {};
  Json metrics = Json::array();
  for (const double metric : score->metrics) metrics.push_back(json_of_number(metric));
  return {json_of_number(score->loss), metrics, score->samples};
}

std::optional<Score> score_in(const Json& json) {
  if (json.is_null()) return std::nullopt;
  Score score{number_in_json(json.at(0)), {}, json.at(2)};
  const Json& metrics = json.at(1);
  if (!metrics.is_array()) return Score{score.loss, {number_in_json(metrics)}, score.samples};
  for (const Json& metric : metrics) score.metrics.push_back(number_in_json(metric));
  return score;
}

std::string to_json(const RunState& state) {
  return Json{{"steps", state.steps},
              {"total_batch", state.total_batch},
              {"sums", json_of(state.sums)},
              {"logged", json_of(state.logged)},
              {"evaluated", json_of(state.evaluated)},
              {"loss_scale", json_of(state.scale)},
              {"seconds", json_of(state.seconds)},
              {"evaluation_seconds", json_of(state.evaluation_seconds)},
              {"best", state.best ? json_of(*state.best) : Json()},
              {"best_step", state.best_step},
              {"lr_scale", json_of(state.lr_scale)},
              {"retries", state.retries},
              {"train", json_of_score(state.train)},
              {"validation", json_of_score(state.validation)},
              {"test", json_of_score(state.test)},
              {"evaluation_due", state.evaluation_due},
              {"course", json_of(state.curve)},
              {"observers", state.observers}}
      .dump();
}

RunState run_state_from_json(const std::string& text, const std::string& source) {
  try {
    const Json json = parse_json(text);
    RunState state;
    state.steps = json.at("steps");
    state.total_batch = json.value("total_batch", std::int64_t{0});
    state.sums = sums_of(json.at("sums"));
    state.logged = sums_of(json.at("logged"));
    state.evaluated = sums_of(json.at("evaluated"));
    state.scale = scale_of(json.value("loss_scale", Json()));
    state.seconds = number_in(json.at("seconds"));
    state.evaluation_seconds = number_in(json.at("evaluation_seconds"));
    if (!json.at("best").is_null()) state.best = number_in(json.at("best"));
    state.best_step = json.value("best_step", std::int64_t{0});
    state.lr_scale = number_in(json.at("lr_scale"));
    state.retries = json.at("retries");
    state.train = score_in(json.at("train"));
    state.validation = score_in(json.at("validation"));
    state.test = score_in(json.at("test"));
    state.evaluation_due = json.at("evaluation_due");
    state.curve = curve_of(json.at("course"));
    state.observers = json.at("observers").get<std::map<std::string, std::string>>();
    StateCheck(source).run(state);
    return state;
  } catch (const Json::exception&) {
    throw CheckpointError(
        format("{}: holds weights but no state of a run: it cannot be resumed", source));
  }
}

std::optional<RunState> run_state_in(const std::map<std::string, std::string>& metadata,
                                     const std::string& source) {
  const auto text = metadata.find(kState);
  if (text == metadata.end()) return std::nullopt;
  return run_state_from_json(text->second, source);
}

}  // namespace onecycle
