#pragma once

#include "kernels/update/update_tensor.h"

namespace onecycle::kernels {

// What a step does to an average of the weights, where it runs, so that a recorded step replays
// whatever it decides: kept <- kept + weight (live - kept), and then live <- kept.
struct AverageNumbers {
  double weight = 0;   // of the live value in what is kept
  double moves = 0;    // 0: kept stays as it is
  double returns = 0;  // 0: live stays as it is
};

// Averages of tensors: `weight` is the live tensor, state[0] what is kept of it; `copy` is renewed
// where the live tensor changes. What concerns gradients, rates and decays is not read.

// Elements [begin, end) of one tensor, so that the caller decides on threads.
void average_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                 const AverageNumbers* numbers);

// All tensors, on `stream` (a cudaStream_t). Throws Error where the build has no CUDA kernels.
void average_cuda(const UpdateTensor* tensors, int num_tensors, const AverageNumbers* numbers,
                  void* stream);

}  // namespace onecycle::kernels
