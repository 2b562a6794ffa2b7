#pragma once

#include "kernels/update/update_tensor.h"

namespace onecycle::kernels {

// Dynamic loss scaling for gradients in fp16, by the rules of torch.amp.GradScaler; lives where the
// step runs. Backward starts from loss * scale; the update takes gradient * inverse, and nothing
// where a gradient was not finite.
struct LossScale {
  float scale = 65536;
  float inverse = 1.0f / 65536;
  std::int32_t bad = 0;         // whether a gradient of the step under way is not finite
  std::int32_t good_steps = 0;  // in a row, at this scale
  std::int64_t skipped = 0;     // updates left out since the run began
};

constexpr float kScaleGrowth = 2;
constexpr float kScaleBackoff = 0.5f;
constexpr std::int32_t kScaleInterval = 2000;  // good steps before it grows

// After a step.
ONECYCLE_HOST_DEVICE inline void advance(LossScale& state) {
  constexpr float kLargest = 3.4028234e38f;
  if (state.bad != 0) {
    state.scale *= kScaleBackoff;
    state.good_steps = 0;
    ++state.skipped;
  } else if (++state.good_steps == kScaleInterval) {
    if (state.scale <= kLargest / kScaleGrowth) state.scale *= kScaleGrowth;
    state.good_steps = 0;
  }
  state.inverse = 1 / state.scale;
  state.bad = 0;
}

// Sets `state->bad` where one of the elements [begin, end) of a tensor's gradient is not finite.
void find_bad_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                  LossScale* state);

// All tensors; and advance(); on `stream` (a cudaStream_t). Throw Error where the build has no CUDA
// kernels.
void find_bad_cuda(const UpdateTensor* tensors, int num_tensors, LossScale* state, void* stream);
void advance_cuda(LossScale* state, void* stream);

}  // namespace onecycle::kernels
