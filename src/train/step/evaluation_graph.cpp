#include "train/step/evaluation_graph.h"

#include "core/text/format.h"
#include "network/views.h"
#include "train/step/step_graph.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

std::vector<at::Tensor> weights_and_buffers(const Model& model) {
  std::vector<at::Tensor> state = model.parameters();
  for (const at::Tensor& buffer : model.buffers()) state.push_back(buffer);
  return state;
}

}  // namespace

EvaluationGraph::EvaluationGraph(const Run& run, Calls calls)
    : run_(run), calls_(std::move(calls)), state_(weights_and_buffers(*run.model)) {}

at::Tensor EvaluationGraph::logits(const at::Tensor& inputs, TestTimeAugmentation views) {
  Pass* pass = pass_of(inputs, views);
  if (pass == nullptr) return as_it_is(inputs, views);
  if (!pass->recorded && pass->warm_ups < kWarmUps) {
    ++pass->warm_ups;
    at::Tensor outputs;
    pass->recorder->on_stream([&] { outputs = as_it_is(inputs, views); });
    return outputs;
  }
  if (!pass->recorded && !record(*pass, inputs, views)) return as_it_is(inputs, views);
  pass->inputs.copy_(inputs);
  pass->recorder->replay();
  return pass->outputs.clone();  // the next replay, of a step too, may write over it
}

// Null: there is none for them to be recorded with, or to be replayed by.
EvaluationGraph::Pass* EvaluationGraph::pass_of(const at::Tensor& inputs,
                                                TestTimeAugmentation views) {
  if (failed_) return nullptr;
  Reads reads{inputs.scalar_type(), inputs.strides().vec(), views, {}};
  reads.state.reserve(state_.size());
  for (const at::Tensor& tensor : state_)
    reads.state.push_back(tensor.defined() ? tensor.const_data_ptr() : nullptr);
  const auto same = std::find_if(passes_.begin(), passes_.end(), [&](const Pass& pass) {
    return inputs.sizes() == at::IntArrayRef(pass.sizes);
  });
  if (same != passes_.end()) {
    if (same->reads == reads) return &*same;
    if (same->recorded) return nullptr;
    passes_.erase(same);
  }
  if (passes_.size() == kSizes) return nullptr;
  std::unique_ptr<GraphRecorder> recorder = calls_.recorder();
  if (recorder == nullptr) return nullptr;
  Pass& pass = passes_.emplace_back();
  pass.sizes = inputs.sizes().vec();
  pass.reads = std::move(reads);
  pass.recorder = std::move(recorder);
  return &pass;
}

// The inputs are made within, so that they lie in the graph's memory, where the step's may be
// written over: every pass begins by copying them.
bool EvaluationGraph::record(Pass& pass, const at::Tensor& inputs, TestTimeAugmentation views) {
  const std::string why = try_to_record(*pass.recorder, [this, &pass, inputs, views] {
    if (!pass.inputs.defined()) pass.inputs = at::empty_like(inputs);
    pass.outputs = as_it_is(pass.inputs, views);
  });
  pass.recorded = why.empty();
  if (pass.recorded) return true;
  failed_ = true;
  passes_.clear();
  calls_.warn(format("evaluations run without a CUDA graph: {}", why));
  return false;
}

at::Tensor EvaluationGraph::as_it_is(const at::Tensor& inputs, TestTimeAugmentation views) const {
  return logits_of_views(*run_.model, inputs, views, run_.compute.memory_format);
}

}  // namespace onecycle
