#pragma once

#include "kernels/cuda_check.h"
#include "kernels/update_tensor.h"

#include <cuda_runtime.h>

// An update of many tensors in few launches. `Update` is as in kernels/update_cpu.h.
namespace onecycle::kernels {

constexpr int kThreads = 256;
constexpr std::int64_t kElementsPerBlock = 4096;
constexpr int kTensorsPerLaunch = 46;

struct Launch {
  UpdateTensor tensors[kTensorsPerLaunch];
  int first_block[kTensorsPerLaunch + 1];
  int num_tensors;
};

template <class T, class G, class Element>
__device__ void update_block(const UpdateTensor& tensor, std::int64_t begin,
                             const Element& element) {
  T* weight = static_cast<T*>(tensor.weight);
  T* first = static_cast<T*>(tensor.state[0]);
  T* second = static_cast<T*>(tensor.state[1]);
  const G* gradient = static_cast<const G*>(tensor.gradient);
  BFloat16* copy = static_cast<BFloat16*>(tensor.copy);
  const std::int64_t end = min(begin + kElementsPerBlock, tensor.size);
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
    const T w = update_at(i, weight, first, second, gradient, element);
    if (copy != nullptr) copy[i] = to_bfloat16(static_cast<float>(w));
  }
}

// One thread makes the scalars: powers in fp64 are slow where fp64 is.
template <class T, class Update>
__device__ void update_typed(const UpdateTensor& tensor, std::int64_t begin, const Update& update,
                             const double* hyper) {
  using Element = decltype(update.template element<T>(tensor, hyper));
  __shared__ Element element;
  if (threadIdx.x == 0) element = update.template element<T>(tensor, hyper);
  __syncthreads();
  if (tensor.gradient_type == ScalarType::bf16) {
    update_block<T, BFloat16>(tensor, begin, element);
  } else {
    update_block<T, T>(tensor, begin, element);
  }
}

template <class Update>
__global__ void __launch_bounds__(kThreads)
    multi_tensor_kernel(const Launch launch, const Update update, const double* hyper) {
  int index = 0;
  while (index + 1 < launch.num_tensors &&
         static_cast<int>(blockIdx.x) >= launch.first_block[index + 1])
    ++index;
  const UpdateTensor& tensor = launch.tensors[index];
  const std::int64_t begin =
      (static_cast<std::int64_t>(blockIdx.x) - launch.first_block[index]) * kElementsPerBlock;
  if (tensor.type == ScalarType::f64) {
    update_typed<double>(tensor, begin, update, hyper);
  } else {
    update_typed<float>(tensor, begin, update, hyper);
  }
}

template <class Update>
void launch_update(const Launch& launch, const Update& update, const double* hyper,
                   cudaStream_t stream, const char* what) {
  static_assert(sizeof(Launch) + sizeof(Update) + sizeof hyper <= 4096,
                "a kernel's parameters are limited to 4 KiB");
  if (launch.num_tensors == 0) return;
  const int blocks = launch.first_block[launch.num_tensors];
  multi_tensor_kernel<<<blocks, kThreads, 0, stream>>>(launch, update, hyper);
  check_cuda(cudaGetLastError(), what);
}

// `what` names the update in errors.
template <class Update>
void update_on_cuda(const UpdateTensor* tensors, int num_tensors, const Update& update,
                    const double* hyper, void* stream, const char* what) {
  Launch launch{};
  for (int i = 0; i < num_tensors; ++i) {
    if (tensors[i].size == 0) continue;
    const auto blocks = (tensors[i].size + kElementsPerBlock - 1) / kElementsPerBlock;
    launch.tensors[launch.num_tensors] = tensors[i];
    launch.first_block[launch.num_tensors + 1] =
        launch.first_block[launch.num_tensors] + static_cast<int>(blocks);
    if (++launch.num_tensors == kTensorsPerLaunch) {
      launch_update(launch, update, hyper, static_cast<cudaStream_t>(stream), what);
      launch = Launch{};
    }
  }
  launch_update(launch, update, hyper, static_cast<cudaStream_t>(stream), what);
}

}  // namespace onecycle::kernels
