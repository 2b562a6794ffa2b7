// CUDA's own word on whether a step waits for the device: PyTorch's sync debug mode makes whatever
// waits an error.

#include "budget/recipes.h"
#include "budget/window.h"

#include <gtest/gtest.h>

#include <ATen/Context.h>
#include <c10/cuda/CUDAFunctions.h>

namespace onecycle::testing {
namespace {

void set_mode(c10::cuda::SyncDebugMode mode) {
  c10::cuda::warning_state().set_sync_debug_mode(mode);
}

TEST(LeanStepOnAGpu, NeverWaitsForTheDevice) {
  if (!at::hasCUDA()) GTEST_SKIP() << "needs a GPU";
  for (const char* net : {"mlp", "resnet8"}) {
    auto run = lean_run(net, {"train.device=cuda"});
    Window window;
    window.first = kFirst;
    window.last = kLast;
    window.begin = [] { set_mode(c10::cuda::SyncDebugMode::L_ERROR); };
    window.end = [] { set_mode(c10::cuda::SyncDebugMode::L_DISABLED); };
    EXPECT_NO_THROW(window.train(run)) << net;
    set_mode(c10::cuda::SyncDebugMode::L_DISABLED);
  }
}

}  // namespace
}  // namespace onecycle::testing
