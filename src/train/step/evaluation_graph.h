#pragma once

#include "onecycle/trainer.h"

#include "train/step/graph_recorder.h"

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace onecycle {

// The forward passes of a training's evaluations as graphs, one for each size of a batch, in the
// memory that the step's graph leaves free between steps. What runs is the work as it is until the
// step is a graph, in the first passes of a size, and wherever the passes that were recorded do not
// read what the model reads now: weights elsewhere, masters in place of their copies, inputs in
// another format, other views.
class EvaluationGraph {
 public:
  // Passes of a size before it is recorded: cuDNN chooses its algorithms in them.
  static constexpr std::int64_t kWarmUps = 3;
  // Sizes with a graph: the validation part's batches and the test part's.
  static constexpr std::size_t kSizes = 2;

  struct Calls {
    // A recorder beside the step's; null while the step is no graph.
    std::function<std::unique_ptr<GraphRecorder>()> recorder;
    // Once, where passes cannot be recorded; they run as they are from then on.
    std::function<void(const std::string& why)> warn;
  };

  // Of the run's model, whose weights and buffers are all there.
  EvaluationGraph(const Run& run, Calls calls);
  EvaluationGraph(const EvaluationGraph&) = delete;
  EvaluationGraph& operator=(const EvaluationGraph&) = delete;

  // logits_of_views() of the model, which is in evaluation mode, without gradients. On the device's
  // current stream; in memory of their own.
  at::Tensor logits(const at::Tensor& inputs, TestTimeAugmentation views);

  // Forgets what was recorded. Before the step's graph is dropped, or its memory lives on.
  void drop() { passes_.clear(); }

 private:
  // What a recorded pass reads, and how.
  struct Reads {
    at::ScalarType dtype;
    std::vector<std::int64_t> strides;
    TestTimeAugmentation views;
    std::vector<const void*> state;  // where weights and buffers are

    bool operator==(const Reads&) const = default;
  };
  struct Pass {
    std::vector<std::int64_t> sizes;
    Reads reads;
    std::unique_ptr<GraphRecorder> recorder;
    at::Tensor inputs, outputs;  // of the graph, in its memory
    std::int64_t warm_ups = 0;
    bool recorded = false;
  };

  Pass* pass_of(const at::Tensor& inputs, TestTimeAugmentation views);
  bool record(Pass& pass, const at::Tensor& inputs, TestTimeAugmentation views);
  at::Tensor as_it_is(const at::Tensor& inputs, TestTimeAugmentation views) const;

  const Run& run_;
  Calls calls_;
  const std::vector<at::Tensor> state_;  // weights and buffers of the model
  std::list<Pass> passes_;
  bool failed_ = false;
};

}  // namespace onecycle
