#include "train/state/snapshot.h"

#include "onecycle/error.h"

#include "core/text/format.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr const char* kModel = "model.";
constexpr const char* kOptimizer = "optimizer.";
constexpr const char* kAverage = "average.";
constexpr const char* kLookahead = "lookahead.";

TensorsByName optimizer_tensors(const Run& run) {
  TensorsByName result;
  for (const NamedTensor& item : run.optimizer->state()) result[item.name] = item.tensor;
  return result;
}

RunState state_in(const Snapshot& snapshot, const std::string& source) {
  auto state = run_state_in(snapshot.metadata, source);
  return state ? std::move(*state) : run_state_from_json("", source);
}

}  // namespace

Snapshot capture(const Run& run, const WeightAverage* average, const RunState& state,
                 const Lookahead* lookahead) {
  Snapshot snapshot;
  copy_out(ordered_model_tensors(*run.parameters), kModel, snapshot);
  copy_out(run.optimizer->state(), kOptimizer, snapshot);
  if (average != nullptr) copy_out(average->tensors(), kAverage, snapshot);
  if (lookahead != nullptr) copy_out(lookahead->tensors(), kLookahead, snapshot);
  RunState complete = state;
  complete.total_batch = run.steps.total_batch;
  snapshot.metadata[kState] = to_json(complete);
  snapshot.metadata[kOrder] = kModuleOrder;
  return snapshot;
}

RunState restore(const Run& run, WeightAverage* average, const Snapshot& snapshot,
                 const std::string& source, Lookahead* lookahead) {
  RunState state = state_in(snapshot, source);
  if (state.total_batch != 0 && state.total_batch != run.steps.total_batch)
    throw CheckpointError(format(
        "{}: its steps had a total batch of {}, not {}{}: a resumed run keeps it; set "
        "data.total_batch_size to {} in place of train.accumulate, with any number of ranks",
        source, state.total_batch, run.steps.total_batch,
        run.steps.total_given ? ""
                              : format(" = {} rank{} times data.batch_size times train.accumulate",
                                       run.steps.ranks, run.steps.ranks == 1 ? "" : "s"),
        state.total_batch));
  copy_in(snapshot, kModel, source, model_tensors(*run.parameters));
  copy_in(snapshot, kOptimizer, source, optimizer_tensors(run));
  // A run that begins to average when it is resumed begins with the weights it finds.
  if (average != nullptr)
    copy_in(snapshot, holds(snapshot, kAverage) ? kAverage : kModel, source, average->tensors());
  if (lookahead != nullptr)
    copy_in(snapshot, holds(snapshot, kLookahead) ? kLookahead : kModel, source,
            lookahead->tensors());
  run.parameters->refresh_working();
  run.optimizer->set_updates(state.steps);
  return state;
}

bool weights_are_finite(const Parameters& parameters) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> sums;
  for (const Parameter& parameter : parameters.all()) sums.push_back(parameter.master.sum());
  if (sums.empty()) return true;
  return at::isfinite(at::stack(sums)).all().item<bool>();
}

std::int64_t steps_of(const Snapshot& snapshot) {
  return state_in(snapshot, "the checkpoint").steps;
}

RunEnd end_in(const Snapshot& snapshot) {
  const RunState state = state_in(snapshot, "the checkpoint");
  RunEnd end;
  end.steps = state.steps;
  end.train = state.train;
  end.validation = state.validation;
  end.test = state.test;
  end.seconds = state.seconds;
  end.train_seconds = state.seconds - state.evaluation_seconds;
  return end;
}

}  // namespace onecycle
