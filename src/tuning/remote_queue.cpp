#include "tuning/remote_queue.h"

#include "onecycle/error.h"

#include "core/file_error.h"
#include "core/json_number.h"
#include "recipe/yaml.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

namespace onecycle {

using Json = nlohmann::json;

namespace {

constexpr auto kAskAgain = std::chrono::milliseconds(200);

Json json_of(const std::optional<Score>& score) {
  if (!score) return {};
  return {json_of_number<Json>(score->loss), json_of_number<Json>(score->accuracy), score->samples};
}

std::optional<Score> score_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Score{number_in_json(json.at(0)), number_in_json(json.at(1)), json.at(2)};
}

Json json_of(const Trial& trial) { return {trial.number, trial.setting, trial.rung, trial.share}; }

Trial trial_of(const Json& json) { return {json.at(0), json.at(1), json.at(2), json.at(3)}; }

Json json_of(const TrialResult& result) {
  return {{"state", static_cast<int>(result.state)},
          {"reason", result.reason},
          {"validation", json_of(result.validation)},
          {"test", json_of(result.test)},
          {"seconds", result.seconds},
          {"run", result.run}};
}

TrialResult result_of(const Json& json) {
  return {static_cast<TrialState>(json.at("state").get<int>()),
          json.at("reason"),
          score_of(json.at("validation")),
          score_of(json.at("test")),
          json.at("seconds"),
          json.at("run")};
}

}  // namespace

std::optional<RemoteStudy> ask_for_study(const Ask& ask) {
  const auto text = ask(Json{{"ask", "study"}}.dump());
  if (!text) return std::nullopt;
  const Json json = Json::parse(*text);
  return RemoteStudy{json.at("recipe"), json.at("search"), json.at("folder")};
}

std::string farewell() { return Json{{"ask", "leave"}}.dump(); }

std::optional<Trial> RemoteQueue::take() {
  while (!stopped_()) {
    const auto text = ask_(Json{{"ask", "take"}}.dump());
    if (!text) return std::nullopt;
    const Json json = Json::parse(*text);
    if (json.contains("trial")) return trial_of(json.at("trial"));
    if (json.contains("over")) return std::nullopt;
    std::this_thread::sleep_for(kAskAgain);
  }
  return std::nullopt;
}

void RemoteQueue::finish(const Trial& trial, const TrialResult& result) {
  const auto text =
      ask_(Json{{"ask", "finish"}, {"trial", json_of(trial)}, {"result", json_of(result)}}.dump());
  if (!text) return;
  const Json json = Json::parse(*text);
  if (json.contains("error")) throw Error(json.at("error"));
}

RemoteAnswer answer(Study& study, std::int64_t owner, const std::string& question, bool stopping) {
  const Json json = Json::parse(question);
  const std::string ask = json.at("ask");
  if (ask == "study")
    return {Json{{"recipe", study.recipe()},
                 {"search", write_yaml(write_search(study.options()))},
                 {"folder", study.folder()}}
                .dump()};
  if (ask == "leave") return {Json{{"over", true}}.dump(), true};
  if (ask == "take") {
    if (stopping || study.over()) return {Json{{"over", true}}.dump(), true};
    const auto trial = study.take(owner);
    return {(trial ? Json{{"trial", json_of(*trial)}} : Json{{"wait", true}}).dump()};
  }
  try {
    study.finish(owner, trial_of(json.at("trial")), result_of(json.at("result")));
    return {Json{{"taken", true}}.dump()};
  } catch (const FileError&) {
    throw;  // nothing can be kept any more
  } catch (const Error& error) {
    return {Json{{"error", error.what()}}.dump()};
  }
}

}  // namespace onecycle
