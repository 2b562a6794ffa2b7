#pragma once

#include "core/process/file_lock.h"
#include "study/search/study.h"

#include <functional>
#include <string>

namespace onecycle {

// Held by a worker as long as its process lives: how others know that it does.
class WorkerLock {
 public:
  // Throws Error where another process is that worker.
  WorkerLock(const std::string& study_folder, std::int64_t worker);

  static bool is_held(const std::string& study_folder, std::int64_t worker);
  // A number that no worker of the study had. The caller is the only one to ask.
  static std::int64_t unused(const std::string& study_folder);

 private:
  FileLock lock_;
};

std::string worker_path(const std::string& study_folder, std::int64_t worker, const char* suffix);

// The queue of one worker: the study's database.
class StudyQueue : public WorkQueue {
 public:
  StudyQueue(Study& study, std::int64_t worker, std::function<bool()> stopped)
      : study_(study), worker_(worker), stopped_(std::move(stopped)) {}

  std::optional<Trial> take() override;
  void finish(const Trial& trial, const TrialResult& result) override;

 private:
  Study& study_;
  std::int64_t worker_;
  std::function<bool()> stopped_;
};

}  // namespace onecycle
