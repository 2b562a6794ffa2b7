#pragma once

#include "study/search/search_pool.h"
#include "study/search/study.h"

#include <functional>
#include <vector>

namespace onecycle {

// The study's trials so far, and the one of them that ended just now.
using OnTrial = std::function<void(const std::vector<TrialRow>& rows, const TrialRow& ended)>;

// Workers of the study in processes that are not this one's.
class RemoteWorkers {
 public:
  virtual ~RemoteWorkers() = default;
  // Several times a second: gives them what they ask for. `stopping`: no new trials.
  virtual void serve(Study& study, bool stopping) = 0;
  // Some have not been told yet that it is over.
  virtual bool busy() const = 0;
};

// Keeps `jobs` workers at the study until it is over, or `stop` asks for an end, which the workers
// are then waited for. Returns the signal that ended it, 0 where it is over.
// Throws Error with a worker's own words where one cannot work.
int drive(Study& study, WorkerPool& pool, RemoteWorkers* others, std::int64_t jobs,
          const StopSignal& stop, const OnTrial& on_trial);

}  // namespace onecycle
