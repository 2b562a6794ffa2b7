#include "cli/ranks.h"
#include "cli/search_study.h"
#include "cli/signals.h"
#include "core/process/processors.h"
#include "core/process/this_process.h"
#include "core/text/number.h"
#include "observe/csv.h"
#include "observe/divergence.h"
#include "observe/early_stop.h"
#include "study/search/search_trial.h"
#include "study/search/study_queue.h"

#include <string_view>
#include <unistd.h>

namespace onecycle {

namespace {

constexpr const char* kWorker = "--worker";
constexpr int kArguments = 6;  // with the command's name

int work_at(const std::string& folder, std::int64_t number, std::int64_t threads, pid_t parent) {
  live_no_longer_than(parent);
  StopSignal stop;
  const SignalScope signals(stop);
  const WorkerLock lock(folder, number);
  const Environment environment = shipped_environment(alone_in_place());
  Study study(folder);
  TrialRunner runner({recipe_in(study, environment.registries), study.options(), study.settings(),
                      folder, threads, trial_observers},
                     environment);
  StudyQueue queue(study, number, [&stop] { return stop.requested(); });
  work(queue, runner, stop);
  return stop.requested() ? 128 + stop.signal_number() : 0;
}

}  // namespace

TrialObservers trial_observers(const RecipeRun& run, const std::string& folder) {
  const StopOptions& stop = run.recipe.stop;
  TrialObservers observers;
  const auto warn = [](const std::string& text) {
    Console(Verbosity::normal, /*json=*/false).warn(text);
  };
  observers.push_back(std::make_unique<CsvWriter>(folder, run.task->metrics(), warn));
  observers.push_back(std::make_unique<EventLog>(folder, warn));
  observers.push_back(
      std::make_unique<DivergenceWatch>(stop.divergence_factor, stop.divergence_window));
  if (stop.patience)
    observers.push_back(
        std::make_unique<EarlyStop>(*stop.patience, stop.min_delta, stop.monitor == Monitor::loss));
  return observers;
}

std::vector<std::string> worker_arguments(const std::string& study_folder, std::int64_t worker,
                                          std::int64_t jobs) {
  return {"search",
          kWorker,
          study_folder,
          std::to_string(worker),
          std::to_string(share_of_processors(jobs)),
          std::to_string(::getpid())};
}

bool is_search_worker(int argc, char** argv) {
  return argc == kArguments && std::string_view(argv[1]) == kWorker;
}

int search_worker(char** argv) {
  const auto number = [argv](int index) { return parse_integer(argv[index]).value_or(0); };
  return work_at(argv[2], number(3), number(4), static_cast<pid_t>(number(5)));
}

}  // namespace onecycle
