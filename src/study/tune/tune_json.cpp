#include "study/tune/tune_json.h"

#include "core/text/json.h"
#include "core/text/json_text.h"
#include "core/text/metric_text.h"

#include <filesystem>

namespace onecycle {

namespace {

Json json_of(const TuneTrial& trial, const std::vector<Metric>& metrics) {
  Json json = {{"label", trial.label}, {"loss", trial.loss}};
  if (!metrics.empty()) json[metrics[0].name] = trial.loss ? Json(trial.metric) : Json();
  json["epochs"] = trial.epochs;
  json["chosen"] = trial.chosen;
  return json;
}

Json with_trials(const TuneChoice& choice, const std::vector<Metric>& metrics) {
  Json trials = Json::array();
  for (const TuneTrial& trial : choice.trials) trials.push_back(json_of(trial, metrics));
  Json json = choice;
  json["trials"] = std::move(trials);
  return json;
}

Json inside(const std::string& path, const std::string& folder) {
  if (path.empty()) return {};
  return std::filesystem::path(path).lexically_relative(folder).string();
}

}  // namespace

std::string tune_json(const TuneResult& result, const std::string& name, const std::string& folder,
                      const std::string& recipe) {
  Json choices = Json::array();
  for (const TuneChoice& choice : result.choices)
    choices.push_back(with_trials(choice, result.metrics));
  Json json = {{"kind", "tuning"},
               {"name", name},
               {"refused", result.refused.empty() ? Json() : Json(result.refused)},
               {"choices", std::move(choices)},
               {"words", result.words},
               {"search_epochs", result.epochs},
               {"search_seconds", result.seconds},
               {"range_test", inside(result.range_folder, folder)},
               {"confirming_range_test", inside(result.confirming_folder, folder)},
               {"final", "final"},
               {"recipe", recipe}};
  add_metric(json, result.metrics);
  return json_text(json, 1) + "\n";
}

}  // namespace onecycle
