#pragma once

#include "train/step/graph_recorder.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/record_function.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace onecycle {

// Holds the steps that run under it against the rules of what is recorded as a CUDA graph, by the
// operators that ATen reports of this thread and by what the CPU's allocator does. It sees neither
// what kernels over raw pointers read nor values that the host writes into a tensor's memory.
class StepWatch {
 public:
  StepWatch();
  ~StepWatch();
  StepWatch(const StepWatch&) = delete;
  StepWatch& operator=(const StepWatch&) = delete;

  void step(const std::function<void()>& work);
  // What comes is other work: nothing before is compared with it.
  void start_over();

  // Operators that wait for a GPU, since what the host does next depends on their values.
  const std::vector<std::string>& waits() const { return waits_; }
  // Steps at whose end more of what steps had allocated was alive than at the end of the one
  // before.
  const std::vector<std::string>& growths() const { return growths_; }
  // Steps that were not the first one again: the same operators, on tensors of the same types,
  // sizes and places (memory that the step allocated: by its number), with the same numbers.
  const std::vector<std::string>& differences() const { return differences_; }
  // Of the latest step.
  std::size_t operators() const { return now_.size(); }

 private:
  struct Reports;

  static std::unique_ptr<at::ObserverContext> on_operator(const at::RecordFunction& function);
  void add(const at::RecordFunction& function);
  std::string told(const c10::IValue& value);
  std::string told(const at::Tensor& tensor);
  void allocated(const void* place, std::int64_t bytes);
  void compare();

  at::CallbackHandle callback_;
  std::unique_ptr<c10::DebugInfoGuard> reports_;
  bool inside_ = false;
  std::int64_t steps_ = 0;
  std::vector<std::string> first_, now_;                 // operators with their arguments
  std::unordered_map<const void*, std::int64_t> alive_;  // bytes by place, of all steps
  std::unordered_map<const void*, std::size_t> fresh_;   // numbers by place, of the step
  std::size_t allocations_ = 0;                          // in the step
  std::int64_t bytes_before_ = 0;
  std::vector<std::string> waits_, growths_, differences_;
};

// What is recorded runs under a watch in place of every replay.
class WatchingRecorder : public GraphRecorder {
 public:
  explicit WatchingRecorder(StepWatch& watch) : watch_(watch) {}

  void on_stream(const std::function<void()>& work) override { work(); }
  void record(const std::function<void()>& work) override { work_ = work; }
  void replay() override { watch_.step(work_); }
  void drop() override { watch_.start_over(); }

 private:
  StepWatch& watch_;
  std::function<void()> work_;
};

}  // namespace onecycle
