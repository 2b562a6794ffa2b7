#include "kernels/update/loss_scale.h"
#include "kernels/update/multi_tensor.cuh"

namespace onecycle::kernels {

namespace {

template <class G>
__device__ bool has_bad(const UpdateTensor& tensor, std::int64_t begin) {
  const G* gradient = static_cast<const G*>(tensor.gradient);
  const std::int64_t end = min(begin + kElementsPerBlock, tensor.size);
  bool bad = false;
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kThreads)
    bad |= !isfinite(widened(gradient[i]));
  return bad;
}

__device__ bool has_bad_of_type(const UpdateTensor& tensor, std::int64_t begin) {
  switch (tensor.gradient_type) {
    case ScalarType::f32:
      return has_bad<float>(tensor, begin);
    case ScalarType::f64:
      return has_bad<double>(tensor, begin);
    case ScalarType::bf16:
      return has_bad<BFloat16>(tensor, begin);
    case ScalarType::f16:
      return has_bad<Float16>(tensor, begin);
  }
  return false;
}

__global__ void __launch_bounds__(kThreads) find_bad_kernel(const Launch launch, LossScale* state) {
  const int index = tensor_of_block(launch);
  if (has_bad_of_type(launch.tensors[index], begin_of_block(launch, index))) state->bad = 1;
}

__global__ void advance_kernel(LossScale* state) { advance(*state); }

}  // namespace

void find_bad_cuda(const UpdateTensor* tensors, int num_tensors, LossScale* state, void* stream) {
  for_each_launch(tensors, num_tensors, [&](const Launch& launch, int blocks) {
    find_bad_kernel<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(launch, state);
    check_cuda(cudaGetLastError(), "the check of gradients");
  });
}

void advance_cuda(LossScale* state, void* stream) {
  advance_kernel<<<1, 1, 0, static_cast<cudaStream_t>(stream)>>>(state);
  check_cuda(cudaGetLastError(), "the update of the loss scale");
}

}  // namespace onecycle::kernels
