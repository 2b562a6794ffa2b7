#pragma once

#include "onecycle/source.h"
#include "onecycle/trainer.h"

#include "train/agreement.h"
#include "train/state/averages.h"
#include "train/state/run_state.h"
#include "train/step/evaluation_graph.h"
#include "train/step/step.h"

#include <chrono>
#include <optional>
#include <vector>

namespace onecycle {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// One call of Trainer::fit(): the loop of events.h.
class Fit {
 public:
  Fit(const Run& run, const std::vector<Observer*>& observers, StopSignal& stop,
      CheckpointStore* store);

  void resume(const Snapshot& snapshot, const std::string& source);
  RunEnd fit();

 private:
  // The loop.
  void loop();
  void train_step(std::int64_t step);
  void queue_averages();
  void log(std::int64_t step);
  void evaluate_now(std::int64_t step);
  RunEnd finish();
  void settle() { agreement_.settle(stop_, state_.steps, seconds()); }
  void stop_for(const std::exception& error);

  // The run's proxy: whether its rows are chosen, and were not stopped.
  bool choose_rows();
  bool train_proxy();
  void add_rows(Snapshot& snapshot) const;
  void restore_rows(const Snapshot& snapshot, const std::string& source);

  // Ranks.
  void share_weights();
  void share_statistics();

  // Checkpoints.
  void save_if_due();
  void try_to_save();
  void save_the_last();
  void save();
  bool is_sound();
  bool fall_back();
  std::optional<Snapshot> latest_to_fall_back_to();
  void restore_from(const Snapshot& snapshot, const std::string& source);

  // What the loop needs to know.
  Hyper hyper_at(std::int64_t step) const;
  Score score_since(const kernels::MetricSums& before, const kernels::MetricSums& now) const;
  Verdict verdict() const;
  double epochs(std::int64_t steps) const;
  bool due(std::int64_t every) const { return state_.steps % every == 0; }
  bool at_end() const { return state_.steps >= run_.steps.total_steps; }
  double seconds() const { return seconds_before_ + watch_.seconds(); }
  void request_divergence(std::int64_t step, const std::string& what);

  // Observers.
  template <class Event>
  void tell(void (Observer::*method)(const Event&), const Event& event) {
    for (Observer* observer : observers_) (observer->*method)(event);
  }
  template <class Event>
  void tell(void (Observer::*method)(const Event&, StopSignal&), const Event& event) {
    for (Observer* observer : observers_) (observer->*method)(event, stop_);
  }
  void notice(Notice::Kind kind, const std::string& message);

  const Run& run_;
  const std::vector<Observer*>& observers_;
  StopSignal& stop_;
  CheckpointStore* store_;
  Step step_;
  std::optional<EvaluationGraph> evaluation_graph_;
  Agreement agreement_;
  std::optional<WeightAverage> average_;
  std::optional<Lookahead> lookahead_;

  RunState state_;
  ChosenRows rows_;          // by the run's proxy
  std::int64_t phase_ = -1;  // of the run's freezing, as applied
  std::string resumed_from_;
  bool improved_ = false;          // since the last checkpoint
  std::int64_t failed_saves_ = 0;  // in a row: the next try is when a checkpoint is due
  Stopwatch watch_;
  double seconds_before_ = 0;  // of the run, when this call began
  double logged_at_ = 0;
};

}  // namespace onecycle
