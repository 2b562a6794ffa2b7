#include "kernels/cuda_check.h"
#include "kernels/norm/batch_norm_passes.cuh"

#include <cuda_runtime.h>

namespace onecycle::kernels {

namespace {

struct NormLaunch {
  void* stream;

  template <class... Parameters, class... Args>
  void operator()(int blocks, void (*kernel)(Parameters...), const Args&... args) const {
    kernel<<<blocks, kNormThreads, 0, static_cast<cudaStream_t>(stream)>>>(args...);
    check_cuda(cudaGetLastError(), "a kernel of the batch norm");
  }
};

}  // namespace

void norm_moments_cuda(const NormRows& rows, std::int64_t count, float* parts,
                       const NormStatistics& to, void* stream) {
  run_norm_moments(NormLaunch{stream}, rows, count, parts, to);
}

void normalise_cuda(const NormRows& rows, std::int64_t count, const NormParameters& by,
                    const void* addend, void* output, void* stream) {
  run_normalise(NormLaunch{stream}, rows, count, by, addend, output);
}

void norm_gradient_sums_cuda(const NormRows& rows, std::int64_t count, const NormParameters& by,
                             const NormGradients& gradients, void* passed, float* parts,
                             const NormSums& to, void* stream) {
  run_norm_gradient_sums(NormLaunch{stream}, rows, count, by, gradients, passed, parts, to);
}

void norm_input_gradient_cuda(const NormRows& rows, std::int64_t count, const NormParameters& by,
                              const float* slope, const float* offset, const void* gradient,
                              bool masked, void* input_gradient, void* stream) {
  run_norm_input_gradient(NormLaunch{stream}, rows, count, by, slope, offset, gradient, masked,
                          input_gradient);
}

}  // namespace onecycle::kernels
