#pragma once

#include "dist/heartbeat/status_board.h"
#include "dist/launch/launcher.h"
#include "dist/launch/rank_process.h"
#include "dist/launch/signal_queue.h"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace onecycle {

// One start of all ranks, to the end of the last of them.
class LaunchAttempt {
 public:
  // The signals that the launcher passes on, and those that it needs itself.
  static std::vector<int> signals();

  struct End {
    int exit_code = 0;
    bool lost_a_rank = false;  // by no fault of its program: another attempt may do better
  };

  LaunchAttempt(const LaunchOptions& options, Store store, SignalQueue& signals)
      : options_(options), board_(std::move(store), "launcher", options.ranks), signals_(signals) {}

  // `environment`: NAME=value, what all ranks have in common.
  void start(const std::vector<std::string>& environment);
  End run();
  std::string folder() { return board_.folder(); }

 private:
  using Clock = std::chrono::steady_clock;

  bool any_running() const;
  void wait_for_news();
  void pass_signals_on();
  void pause();
  void collect();
  bool ended_in_order(const RankProcess& process);
  void lose(const RankProcess& process);
  void lose_worker(const RankProcess& process);
  void print_failure();
  bool failed_alike();
  End judge();

  const LaunchOptions& options_;
  StatusBoard board_;
  SignalQueue& signals_;
  std::vector<std::unique_ptr<RankProcess>> processes_;
  int interrupted_by_ = 0;
  const RankProcess* first_lost_ = nullptr;
  std::optional<RankFailure> failure_;
  bool failure_printed_ = false;
  std::optional<Clock::time_point> kill_at_;
};

}  // namespace onecycle
