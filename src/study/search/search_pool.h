#pragma once

#include "core/process/child_process.h"

#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// How a worker's process ended.
struct WorkerEnd {
  std::int64_t worker = 0;
  int exit_code = 0;  // 128 + the signal where one ended it
  bool by_signal = false;
  std::string last_words;  // the last line of what it wrote
};

// The worker processes of one study, each started as this program with arguments of its own. Those
// left are ended with this object, all at once.
class WorkerPool {
 public:
  // What follows the program's name, for a worker's number.
  using Arguments = std::function<std::vector<std::string>(std::int64_t worker)>;

  using Warn = std::function<void(const std::string&)>;

  // `warn` is told what a worker warned of, once it has ended.
  WorkerPool(std::string study_folder, Arguments arguments, Warn warn)
      : folder_(std::move(study_folder)),
        arguments_(std::move(arguments)),
        warn_(std::move(warn)) {}
  ~WorkerPool() { signal(SIGKILL); }

  void start();  // one more; throws Error
  std::size_t size() const { return running_.size(); }
  void signal(int number) const;
  // A worker that ended since the last call; nothing where none did.
  std::optional<WorkerEnd> ended();

 private:
  struct Worker {
    std::int64_t number = 0;
    ChildProcess process = {};
  };

  std::string folder_;
  Arguments arguments_;
  Warn warn_;
  std::vector<Worker> running_;
};

}  // namespace onecycle
