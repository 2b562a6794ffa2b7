#pragma once

#include "onecycle/schedule.h"
#include "onecycle/score.h"
#include "onecycle/verdict.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

// The one loop of onecycle, and what may be seen of it:
//
//   RunBegin
//   for each step t of T:
//     EpochBegin                              where an epoch starts
//     hyper = schedule.at(t, T)               a pure function
//     batch -> forward -> loss -> backward -> update
//     BatchEnd{t, hyper}                      nothing here waits for the device
//     LogPoint{loss, metrics, samples/s}      every `train.log_every` steps: the device is read
//     Evaluated{train, validation, test}      every `train.evaluate_every`, and at the end
//     a checkpoint                            every `output.checkpoint_every`, and when asked for
//     stop where a StopSignal asks for it
//   a diverged run falls back where the recipe says so: the last checkpoint, a lower learning rate
//   RunEnd{reason, scores}
//
// Observers read. The only thing that they may change is the StopSignal. Those with a memory give
// it to checkpoints and get it back.
namespace onecycle {

// Why a run ended.
enum class StopReason { finished, diverged, early_stopped, interrupted, out_of_memory };

// The enumerator as text: "early_stopped".
const char* name_of(StopReason reason);

// What makes one evaluation better than another.
enum class Goal { lower_loss, higher_metric, lower_metric };

// By the loss, or by the first of the metrics.
Goal goal_of(bool by_loss, const std::vector<Metric>& metrics);

// What the goal makes of an evaluation, where that is better, by more than `margin`, than the best
// of those before: higher is better. An evaluation whose loss is not finite, or whose metric is not
// a number, is never the best.
std::optional<double> improvement(const Score& score, Goal goal, const std::optional<double>& best,
                                  double margin = 0);

// Before the first step.
struct RunBegin {
  std::int64_t first_step = 0;  // above 0 in a resumed run
  std::int64_t total_steps = 0;
  std::int64_t steps_per_epoch = 0;
  std::int64_t total_batch = 0;  // samples a step
  double lr_max = 0;             // the schedule's peak
  bool has_validation = false;
  bool has_test = false;
  std::vector<Metric> metrics = {};          // of every Score
  std::optional<double> guessing_loss = {};  // of outputs that know nothing, where there is one
  bool loss_may_be_negative = false;         // the task's
  // Evaluations to come: steps between two, of the validation part and of the test part, whose last
  // is at the run's end (0: it alone), and how many samples these have.
  std::int64_t evaluate_every = 0;
  std::int64_t test_every = 0;
  std::int64_t validation_samples = 0;
  std::int64_t test_samples = 0;
};

// Before the first step of an epoch.
struct EpochBegin {
  std::int64_t epoch = 0;  // 0-based
  std::int64_t step = 0;
};

// After a step was queued; the device may still be at work.
struct BatchEnd {
  std::int64_t step = 0;  // 0-based, the step just queued
  Hyper hyper;
};

// Of a run in fp16.
struct LossScaling {
  double scale = 1;
  std::int64_t skipped_steps = 0;  // since the run began: a gradient was not finite
};

// Every so many steps: what was read from the device.
struct LogPoint {
  std::int64_t step = 0;  // 0-based, the last step of the window
  double epoch = 0;       // epochs completed, fractional
  Hyper hyper;
  double lr_scale = 1;  // in `hyper`; below 1 after a fallback
  Score train;          // over the window since the last log point
  double samples_per_second = 0;
  std::optional<LossScaling> scaling;  // with train.precision fp16
};

// After an evaluation.
struct Evaluated {
  std::int64_t step = 0;  // 0-based, the one before it
  double epoch = 0;
  Hyper hyper;
  double lr_scale = 1;
  Score train;  // over the steps since the last evaluation, as trained: augmented, changing weights
  std::optional<Score> validation;
  std::optional<Score> test;
  std::optional<Verdict> verdict;  // where there is a validation part
  double train_seconds = 0;        // since the run began, without evaluations
  double seconds = 0;              // since the run began
  // Of each sample of the validation part, in order, all ranks' on each, where FitOptions asks for
  // them and the task has them.
  std::vector<float> validation_losses = {};
};

// Something that a person should be told, or that a log should keep.
struct Notice {
  // What the notice is about.
  enum class Kind { resumed, checkpoint, fell_back, warning, note, proxy };

  Kind kind = Kind::resumed;
  std::int64_t step = 0;  // taken
  double epoch = 0;       // completed
  std::string message;
};

// The enumerator as text.
const char* name_of(Notice::Kind kind);

// How a run ended.
struct RunEnd {
  StopReason reason = StopReason::finished;
  std::string message;     // why, for any reason but `finished`
  std::int64_t steps = 0;  // taken
  std::optional<Score> train;
  std::optional<Score> validation;
  std::optional<Score> test;
  std::optional<Verdict> verdict;  // on the whole course, where there is a validation part
  double train_seconds = 0;
  double seconds = 0;
};

// Asks the loop to stop after the step under way. The first request counts. Any thread may ask.
class StopSignal {
 public:
  // The reason and, in words, what to tell the user.
  void request(StopReason reason, std::string message);
  // Forgets the request; a signal stays.
  void withdraw() { requested_ = false; }
  // These two are safe in a signal handler.
  void interrupt(int signal_number) noexcept { signal_ = signal_number; }
  void ask_for_checkpoint() noexcept { checkpoint_ = true; }  // as soon as the step is whole
  // Whether a checkpoint was asked for since the last call.
  bool take_checkpoint_request() noexcept { return checkpoint_.exchange(false); }

  bool requested() const { return requested_ || signal_ != 0; }  // by a request or a signal
  // Of the request, or `interrupted` by a signal.
  StopReason reason() const;
  std::string message() const;                   // what the request said, or the signal's name
  int signal_number() const { return signal_; }  // of the signal that was caught; 0: none

 private:
  mutable std::mutex mutex_;  // of the reason and the message
  std::atomic<bool> requested_ = false;
  StopReason reason_ = StopReason::finished;
  std::string message_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> checkpoint_ = false;
};

// Watches a run. Each function is called by the thread that trains, and does nothing unless
// overridden.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_run_begin(const RunBegin&) {}                // once
  virtual void on_epoch_begin(const EpochBegin&) {}            // at each epoch
  virtual void on_batch_end(const BatchEnd&) {}                // at each step
  virtual void on_log_point(const LogPoint&, StopSignal&) {}   // every `log_every` steps
  virtual void on_evaluated(const Evaluated&, StopSignal&) {}  // every `evaluate_every`
  virtual void on_notice(const Notice&) {}                     // at any time
  virtual void on_run_end(const RunEnd&) {}                    // once, unless something was thrown

  // Under which checkpoints keep this observer's memory; "": it has none.
  virtual std::string name() const { return ""; }
  // What a checkpoint is to keep.
  virtual std::string state() { return ""; }
  // Gets it back, or "" where the checkpoint has none, with the number of steps taken by then: what
  // came after them has not happened.
  virtual void restore(const std::string& /*state*/, std::int64_t /*steps*/) {}
};

}  // namespace onecycle
