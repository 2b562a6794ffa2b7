#pragma once

#include "onecycle/fit_options.h"
#include "onecycle/group.h"

#include "train/step/graph_recorder.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace onecycle {

// The same work on the device again and again: as it is at first, then, where there is a recorder,
// as one graph. What differs from one time to the next stands in memory that the work reads.
class StepGraph {
 public:
  // c10d's Reducer reads the device's clock in its first ten iterations.
  static constexpr std::int64_t kWarmUps = 11;

  struct Calls {
    std::function<void()> work;
    std::function<void()> start_over;  // once recording broke off within `work`
    std::function<void(const std::string& why)> warn;
  };

  // Without a recorder nothing is ever recorded. `required`: a recording that fails is an error.
  StepGraph(std::unique_ptr<GraphRecorder> recorder, bool required, Group& group, Calls calls)
      : recorder_(std::move(recorder)),
        required_(required),
        group_(group),
        calls_(std::move(calls)) {}

  // Does the work. Collective where it records: all ranks do or none. Throws Error where a required
  // recording failed.
  void run();
  // `make` makes the work anew, with what belongs to the stream that it runs on.
  void renew(const std::function<void()>& make);

  bool recorded() const { return recorded_; }
  // GraphRecorder::beside() of what is recorded; null where nothing is.
  std::unique_ptr<GraphRecorder> beside() { return recorded_ ? recorder_->beside() : nullptr; }

 private:
  void record();

  std::unique_ptr<GraphRecorder> recorder_;
  bool required_;
  Group& group_;
  Calls calls_;
  std::int64_t warm_ups_ = 0;
  bool recorded_ = false;
};

// Records it. "", or why that could not be.
std::string try_to_record(GraphRecorder& recorder, const std::function<void()>& work);

// By train.graph; null: the step stays a sequence.
std::unique_ptr<GraphRecorder> recorder_for(GraphChoice choice, c10::Device device);

}  // namespace onecycle
