#pragma once

#include "study/search/study.h"

#include <functional>
#include <string>

namespace onecycle {

// A study's queue over questions and answers in text, for workers that do not reach its database.
// A question is a line of JSON; so is its answer.

// Asks where the database is; nothing once the asker was told to stop.
using Ask = std::function<std::optional<std::string>(const std::string& question)>;

// What a worker needs to know of the study.
struct RemoteStudy {
  std::string recipe;  // resolved, YAML
  std::string search;  // the section `search`, YAML
  std::string folder;
};
// Nothing once the asker was told to stop.
std::optional<RemoteStudy> ask_for_study(const Ask& ask);

class RemoteQueue : public WorkQueue {
 public:
  RemoteQueue(Ask ask, std::function<bool()> stopped)
      : ask_(std::move(ask)), stopped_(std::move(stopped)) {}

  std::optional<Trial> take() override;
  void finish(const Trial& trial, const TrialResult& result) override;

 private:
  Ask ask_;
  std::function<bool()> stopped_;
};

// What a worker says that was told to stop and takes no more.
std::string leave_request();

struct RemoteAnswer {
  std::string text;
  bool over = false;  // the worker was told that there will be no more
};
// Rank 0's side: what the study says to a question of that owner. `stopping`: no trial is given
// out.
RemoteAnswer answer(Study& study, std::int64_t owner, const std::string& question, bool stopping);

}  // namespace onecycle
