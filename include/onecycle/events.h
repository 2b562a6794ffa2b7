#pragma once

#include "onecycle/schedule.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

// The one loop of onecycle, and what may be seen of it:
//
//   RunBegin
//   for each step t of T:
//     EpochBegin                              where an epoch starts
//     hyper = schedule.at(t, T)               a pure function
//     batch -> forward -> loss -> backward -> update
//     BatchEnd{t, hyper}                      nothing here waits for the device
//     LogPoint{loss, accuracy, samples/s}     every `train.log_every` steps: the device is read
//     Evaluated{train, validation, test}      every `train.evaluate_every`, and at the end
//     stop where a StopSignal asks for it
//   RunEnd{reason, scores}
//
// Observers read. The only thing that they may change is the StopSignal.
namespace onecycle {

enum class StopReason { finished, diverged, early_stopped, interrupted, out_of_memory };

const char* name_of(StopReason reason);

// Means over samples.
struct Score {
  double loss = 0;
  double accuracy = 0;  // fraction of samples
  std::int64_t samples = 0;
};

struct RunBegin {
  std::int64_t total_steps = 0;
  std::int64_t steps_per_epoch = 0;
  std::int64_t total_batch = 0;  // samples a step
  bool has_validation = false;
  bool has_test = false;
};

struct EpochBegin {
  std::int64_t epoch = 0;  // 0-based
  std::int64_t step = 0;
};

struct BatchEnd {
  std::int64_t step = 0;  // 0-based, the step just queued
  Hyper hyper;
};

struct LogPoint {
  std::int64_t step = 0;  // the last step of the window
  double epoch = 0;       // epochs completed, fractional
  Hyper hyper;
  Score train;  // over the window since the last log point
  double samples_per_second = 0;
};

struct Evaluated {
  std::int64_t step = 0;
  double epoch = 0;
  Hyper hyper;
  Score train;  // over the steps since the last evaluation, as trained: augmented, changing weights
  std::optional<Score> validation;
  std::optional<Score> test;
  double train_seconds = 0;  // since the run began, without evaluations
  double seconds = 0;        // since the run began
};

struct RunEnd {
  StopReason reason = StopReason::finished;
  std::string message;     // why, for any reason but `finished`
  std::int64_t steps = 0;  // taken
  std::optional<Score> train;
  std::optional<Score> validation;
  std::optional<Score> test;
  double train_seconds = 0;
  double seconds = 0;
};

// Asks the loop to stop after the step under way. The first request counts.
class StopSignal {
 public:
  void request(StopReason reason, std::string message);
  // Safe in a signal handler.
  void interrupt(int signal_number) noexcept { signal_ = signal_number; }

  bool requested() const { return requested_ || signal_ != 0; }
  StopReason reason() const { return requested_ ? reason_ : StopReason::interrupted; }
  std::string message() const;
  int signal_number() const { return signal_; }

 private:
  bool requested_ = false;
  StopReason reason_ = StopReason::finished;
  std::string message_;
  std::atomic<int> signal_ = 0;
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_run_begin(const RunBegin&) {}
  virtual void on_epoch_begin(const EpochBegin&) {}
  virtual void on_batch_end(const BatchEnd&) {}
  virtual void on_log_point(const LogPoint&, StopSignal&) {}
  virtual void on_evaluated(const Evaluated&, StopSignal&) {}
  virtual void on_run_end(const RunEnd&) {}
};

}  // namespace onecycle
