#include "study/search/search_driver.h"

#include "onecycle/error.h"

#include "core/process/this_process.h"
#include "core/text/format.h"
#include "study/search/study_queue.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

namespace onecycle {

namespace {

constexpr auto kPollEvery = std::chrono::milliseconds(50);
constexpr int kMostIdleDeaths = 3;  // in a row, without a trial that ended in between

// A failure of a worker that every other worker would share.
class WorkerError : public Error {
 public:
  WorkerError(const std::string& message, int exit_code) : Error(message), exit_code_(exit_code) {}
  int exit_code() const noexcept override { return exit_code_; }

 private:
  int exit_code_;
};

class Driver {
 public:
  Driver(Study& study, WorkerPool& pool, RemoteWorkers* others, std::int64_t jobs,
         const OnTrial& on_trial)
      : study_(study),
        pool_(pool),
        others_(others),
        jobs_(static_cast<std::size_t>(jobs)),
        on_trial_(on_trial) {
    for (const TrialRow& row : study.rows()) told_ = std::max(told_, row.finished);
  }

  int run(const StopSignal& stop) {
    study_.hand_back(
        [this](std::int64_t worker) { return WorkerLock::is_held(study_.folder(), worker); });
    while (!stop.requested()) {
      reap();
      if (others_ != nullptr) others_->serve(study_, false);
      tell();
      if (study_.over()) break;
      while (pool_.size() < jobs_) pool_.start();
      std::this_thread::sleep_for(kPollEvery);
    }
    const int signal = study_.over() ? 0 : stop.signal_number();
    if (signal != 0) pool_.signal(signal);
    while (pool_.size() > 0 || (others_ != nullptr && others_->busy())) {
      reap();
      if (others_ != nullptr) others_->serve(study_, true);
      std::this_thread::sleep_for(kPollEvery);
    }
    tell();
    return signal;
  }

 private:
  void reap() {
    while (const auto end = pool_.ended()) {
      if (end->exit_code == 0) continue;
      const int signal = end->exit_code - 128;
      const bool asked = signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
      if (!end->by_signal && !asked) {
        const std::string prefix = "onecycle: ";
        std::string words = end->last_words;
        words = words.starts_with(prefix) ? words.substr(prefix.size())
                                          : format("a worker failed: {}", words);
        if (end->exit_code == 1)
          words += format("; go on with: {} search --resume {}", program_name(), study_.folder());
        throw WorkerError(words, end->exit_code);
      }
      study_.lose(end->worker, end->by_signal ? strsignal(signal) : "it was asked to end");
      if (++idle_deaths_ > kMostIdleDeaths * static_cast<int>(jobs_))
        throw Error(
            format("workers end again and again before a trial does, the last of them: "
                   "{} {}",
                   strsignal(signal), end->last_words));
    }
  }

  // Trials that ended, in the order they did.
  void tell() {
    std::vector<TrialRow> rows = study_.rows();
    std::vector<TrialRow> fresh;
    for (const TrialRow& row : rows)
      if (row.finished > told_) fresh.push_back(row);
    std::sort(fresh.begin(), fresh.end(),
              [](const TrialRow& a, const TrialRow& b) { return a.finished < b.finished; });
    for (const TrialRow& row : fresh) {
      told_ = row.finished;
      idle_deaths_ = 0;
      on_trial_(rows, row);
    }
  }

  Study& study_;
  WorkerPool& pool_;
  RemoteWorkers* others_;
  std::size_t jobs_;
  const OnTrial& on_trial_;
  std::int64_t told_ = 0;
  int idle_deaths_ = 0;
};

}  // namespace

int drive(Study& study, WorkerPool& pool, RemoteWorkers* others, std::int64_t jobs,
          const StopSignal& stop, const OnTrial& on_trial) {
  return Driver(study, pool, others, jobs, on_trial).run(stop);
}

}  // namespace onecycle
