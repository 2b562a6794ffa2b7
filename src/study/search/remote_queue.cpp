#include "study/search/remote_queue.h"

#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/json_text.h"
#include "core/text/metric_text.h"
#include "core/text/printable.h"
#include "train/state/run_state.h"
#include "yaml/yaml.h"

#include <chrono>
#include <thread>

namespace onecycle {

ONECYCLE_JSON(RemoteStudy, recipe, search, folder)

namespace {

constexpr const char* kQuestion = "another rank asks a question";
constexpr const char* kAnswer = "rank 0 gave an answer";
constexpr auto kAskAgain = std::chrono::milliseconds(200);

Json json_of(const Trial& trial) { return {trial.number, trial.setting, trial.rung, trial.share}; }

Trial trial_of(const Json& json) {
  const Trial trial{json.at(0), json.at(1), json.at(2), json.at(3)};
  if (trial.number < 1 || trial.setting < 0 || trial.rung < 0 ||
      !(trial.share > 0 && trial.share <= 1))
    throw DistError("another process of the search names an impossible trial");
  return trial;
}

Json json_of(const TrialResult& result) {
  return {{"state", static_cast<int>(result.state)},
          {"reason", result.reason},
          {"validation", json_of_score(result.validation)},
          {"test", json_of_score(result.test)},
          {"seconds", result.seconds},
          {"run", result.run},
          {"metrics", result.metrics}};
}

TrialResult result_of(const Json& json) {
  const int state = json.at("state");
  if (state < 0 || state > static_cast<int>(TrialState::interrupted))
    throw DistError("another process of the search reports an impossible state");
  return {static_cast<TrialState>(state),
          json.at("reason"),
          score_in(json.at("validation")),
          score_in(json.at("test")),
          json.at("seconds"),
          json.at("run"),
          json.at("metrics")};
}

// What `read` makes of a message of another process; one that is not what it should be is an error
// of one line.
template <class Read>
auto understood(const std::string& text, const char* whose, const Read& read) {
  try {
    return read(parse_json(text));
  } catch (const Json::exception&) {
    throw DistError(format("{} that does not belong to a search: {}", whose, printable(text)));
  }
}

}  // namespace

std::optional<RemoteStudy> ask_for_study(const Ask& ask) {
  const auto text = ask(json_text(Json{{"ask", "study"}}));
  if (!text) return std::nullopt;
  return understood(*text, kAnswer, [](const Json& json) { return json.get<RemoteStudy>(); });
}

std::string leave_request() { return json_text(Json{{"ask", "leave"}}); }

std::optional<Trial> RemoteQueue::take() {
  while (!stopped_()) {
    const auto text = ask_(json_text(Json{{"ask", "take"}}));
    if (!text) return std::nullopt;
    std::optional<Trial> trial;
    const bool over = understood(*text, kAnswer, [&trial](const Json& json) {
      if (json.contains("trial")) trial = trial_of(json.at("trial"));
      return json.contains("over");
    });
    if (trial || over) return trial;
    std::this_thread::sleep_for(kAskAgain);
  }
  return std::nullopt;
}

void RemoteQueue::finish(const Trial& trial, const TrialResult& result) {
  const auto text = ask_(
      json_text(Json{{"ask", "finish"}, {"trial", json_of(trial)}, {"result", json_of(result)}}));
  if (!text) return;
  const auto error = understood(*text, kAnswer, [](const Json& json) {
    return json.contains("error") ? json.at("error").get<std::string>() : std::string();
  });
  if (!error.empty()) throw Error(error);
}

RemoteAnswer answer(Study& study, std::int64_t owner, const std::string& question, bool stopping) {
  const auto ask = understood(question, kQuestion,
                              [](const Json& json) { return json.at("ask").get<std::string>(); });
  if (ask == "study")
    return {json_text(RemoteStudy{study.recipe(), search_text(study.options()), study.folder()})};
  if (ask == "leave") return {json_text(Json{{"over", true}}), true};
  if (ask == "take") {
    if (stopping || study.over()) return {json_text(Json{{"over", true}}), true};
    const auto trial = study.take(owner);
    return {json_text(trial ? Json{{"trial", json_of(*trial)}} : Json{{"wait", true}})};
  }
  const auto [trial, result] = understood(question, kQuestion, [](const Json& json) {
    return std::pair{trial_of(json.at("trial")), result_of(json.at("result"))};
  });
  try {
    study.finish(owner, trial, result);
    return {json_text(Json{{"taken", true}})};
  } catch (const FileError&) {
    throw;  // nothing can be kept any more
  } catch (const Error& error) {
    return {json_text(Json{{"error", error.what()}})};
  }
}

}  // namespace onecycle
