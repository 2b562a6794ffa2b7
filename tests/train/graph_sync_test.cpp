// That nothing in a step waits for the GPU, by ATen's own watch; built where LibTorch has CUDA.

#include "train/support.h"

#include <gtest/gtest.h>

#include <c10/cuda/CUDAFunctions.h>

namespace onecycle {
namespace {

// Waiting is an error from step `from` to step `to`.
struct NoWaiting : Observer {
  NoWaiting(std::int64_t first, std::int64_t last) : from(first), to(last) {}
  ~NoWaiting() override { watch(c10::cuda::SyncDebugMode::L_DISABLED); }
  void on_batch_end(const BatchEnd& event) override {
    if (event.step == from) watch(c10::cuda::SyncDebugMode::L_ERROR);
    if (event.step == to) watch(c10::cuda::SyncDebugMode::L_DISABLED);
  }
  static void watch(c10::cuda::SyncDebugMode mode) {
    c10::cuda::warning_state().set_sync_debug_mode(mode);
  }
  std::int64_t from, to;
};

TEST(CudaStep, NeverWaits) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  for (const std::string model :
       {"model={name: mlp, hidden: [12]}", "model={name: resnet8, width: 4, bn_batch: 8}"})
    for (const char* graph : {"off", "on"})
      for (const char* precision : {"fp32", "bf16", "fp16"}) {
        SCOPED_TRACE(model + " " + graph + " " + precision);
        auto run = tiny_run({model, "train.accumulate=2", "train.device=cuda",
                             std::string("train.graph=") + graph,
                             std::string("train.precision=") + precision, "train.duration=40it",
                             "train.evaluate_every=40it", "train.log_every=1000"});
        NoWaiting watch(15, 35);
        Trainer trainer(run);
        trainer.observe(watch);
        EXPECT_EQ(trainer.fit().reason, StopReason::finished);
      }
}

}  // namespace
}  // namespace onecycle
