#include "cli/search_ranks.h"

#include "cli/search_study.h"
#include "cli/signals.h"
#include "core/text/format.h"
#include "recipe/recipe_text.h"
#include "study/search/remote_queue.h"
#include "study/search/search_trial.h"
#include "yaml/yaml.h"

#include <atomic>
#include <thread>

#include <ATen/Parallel.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

namespace onecycle {

namespace {

constexpr std::chrono::milliseconds kBeatEvery{1000};
// Owners of trials, apart from the numbers of rank 0's own workers.
constexpr std::int64_t kFirstRankOwner = 1'000'000'000;

Store queue_of(Store store) { return c10::make_intrusive<c10d::PrefixStore>("study", store); }

// Tells that this process lives, over a connection of its own.
class Life {
 public:
  explicit Life(const RankPlace& place)
      : questions_(queue_of(connect_store(place, kJoinTimeout)), place.rank), thread_([this] {
          while (!over_) {
            try {
              questions_.beat();
            } catch (const DistError&) {
              return;  // the main thread's next question says so
            }
            std::this_thread::sleep_for(kBeatEvery);
          }
        }) {}
  ~Life() {
    over_ = true;
    thread_.join();
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

 private:
  std::atomic<bool> over_ = false;
  RpcClient questions_;
  std::thread thread_;
};

}  // namespace

RankWorkers::RankWorkers(const RankPlace& place, const Console& console)
    : console_(console),
      store_(queue_of(open_store(place, kJoinTimeout))),
      answers_(store_, place.size, rank_timeout()) {}

void RankWorkers::serve(Study& study, bool stopping) {
  answers_.serve([&](std::int64_t rank, const std::string& question) {
    const RemoteAnswer said = answer(study, kFirstRankOwner + rank, question, stopping);
    at_work_.insert(rank);
    if (said.over) at_work_.erase(rank);
    return said.text;
  });
  while (const auto rank = answers_.lost()) {
    if (at_work_.erase(*rank) == 0) continue;
    const std::string how = format("rank {} has not been heard from", *rank);
    console_.warn(how + "; its trial is handed out again");
    study.lose(kFirstRankOwner + *rank, how);
  }
}

int work_for_rank_0(const RankPlace& place) {
  StopSignal stop;
  const SignalScope signals(stop);
  const auto stopped = [&stop] { return stop.requested(); };
  RpcClient questions(queue_of(open_store(place, kJoinTimeout)), place.rank);
  const Life life(place);
  const Ask ask = [&](const std::string& question) {
    // What was trained is told also after a signal.
    return questions.ask(question, question.find("finish") != std::string::npos
                                       ? std::function<bool()>([] { return false; })
                                       : std::function<bool()>(stopped));
  };
  const auto study = ask_for_study(ask);
  if (!study) return 128 + stop.signal_number();
  const Environment environment = shipped_environment(alone_in_place());
  const SearchOptions options = read_search_text(study->search, "rank 0's search");
  TrialRunner runner(
      {read_resolved(study->recipe, "rank 0's recipe", environment.registries), options,
       settings_of(options), study->folder, at::get_num_threads(), trial_observers},
      environment);
  RemoteQueue queue(ask, stopped);
  work(queue, runner, stop);
  if (stop.requested()) questions.tell(leave_request());
  return stop.requested() ? 128 + stop.signal_number() : 0;
}

}  // namespace onecycle
