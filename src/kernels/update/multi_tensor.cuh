#pragma once

#include "kernels/cuda_kernel.h"
#include "kernels/update/loss_scale.h"

// An update of many tensors in few launches. `Update` is as in kernels/update/update_cpu.h.
namespace onecycle::kernels {

constexpr int kThreads = 256;
constexpr std::int64_t kElementsPerBlock = 4096;
constexpr int kTensorsPerLaunch = 46;

struct Launch {
  UpdateTensor tensors[kTensorsPerLaunch];
  int first_block[kTensorsPerLaunch + 1];
  int num_tensors;
};

// The tensor that this block works at, and its first element.
__device__ inline int tensor_of_block(const Launch& launch) {
  int index = 0;
  while (index + 1 < launch.num_tensors &&
         static_cast<int>(blockIdx.x) >= launch.first_block[index + 1])
    ++index;
  return index;
}
__device__ inline std::int64_t begin_of_block(const Launch& launch, int index) {
  return (static_cast<std::int64_t>(blockIdx.x) - launch.first_block[index]) * kElementsPerBlock;
}

__device__ inline void store_copy(const UpdateTensor& tensor, std::int64_t i, float value) {
  if (tensor.copy_type == ScalarType::f16) {
    static_cast<Float16*>(tensor.copy)[i] = to_float16(value);
  } else {
    static_cast<BFloat16*>(tensor.copy)[i] = to_bfloat16(value);
  }
}

template <class T, class G, class Element>
__device__ void update_block(const UpdateTensor& tensor, std::int64_t begin, T unscale,
                             const Element& element) {
  T* weight = static_cast<T*>(tensor.weight);
  T* first = static_cast<T*>(tensor.state[0]);
  T* second = static_cast<T*>(tensor.state[1]);
  const G* gradient = static_cast<const G*>(tensor.gradient);
  const std::int64_t end = min(begin + kElementsPerBlock, tensor.size);
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
    const T w = update_at(i, weight, first, second, gradient, unscale, element);
    if (tensor.copy != nullptr) store_copy(tensor, i, static_cast<float>(w));
  }
}

// One thread makes the scalars: powers in fp64 are slow where fp64 is.
template <class T, class Update>
__device__ void update_typed(const UpdateTensor& tensor, std::int64_t begin, const Update& update,
                             const StepNumbers* numbers, const LossScale* loss_scale) {
  using Element = decltype(update.template element<T>(tensor, numbers, 0.0));
  const auto skipped = static_cast<double>(loss_scale != nullptr ? loss_scale->skipped : 0);
  const T unscale = loss_scale != nullptr ? static_cast<T>(loss_scale->inverse) : T(1);
  __shared__ Element element;
  if (threadIdx.x == 0) element = update.template element<T>(tensor, numbers, skipped);
  __syncthreads();
  if (tensor.gradient_type == ScalarType::bf16) {
    update_block<T, BFloat16>(tensor, begin, unscale, element);
  } else if (tensor.gradient_type == ScalarType::f16) {
    update_block<T, Float16>(tensor, begin, unscale, element);
  } else {
    update_block<T, T>(tensor, begin, unscale, element);
  }
}

template <class Update>
__global__ void __launch_bounds__(kThreads)
    multi_tensor_kernel(const Launch launch, const Update update, const StepNumbers* numbers,
                        const LossScale* loss_scale) {
  if (loss_scale != nullptr && loss_scale->bad != 0) return;
  const int index = tensor_of_block(launch);
  const UpdateTensor& tensor = launch.tensors[index];
  const std::int64_t begin = begin_of_block(launch, index);
  if (tensor.type == ScalarType::f64) {
    update_typed<double>(tensor, begin, update, numbers, loss_scale);
  } else {
    update_typed<float>(tensor, begin, update, numbers, loss_scale);
  }
}

// run(launch, blocks) for all tensors, as many at a time as a kernel's arguments hold; blocks of
// kThreads.
template <class Run>
void for_each_launch(const UpdateTensor* tensors, int num_tensors, const Run& run) {
  Launch launch{};
  const auto flush = [&] {
    if (launch.num_tensors > 0) run(launch, launch.first_block[launch.num_tensors]);
    launch = Launch{};
  };
  for (int i = 0; i < num_tensors; ++i) {
    if (tensors[i].size == 0) continue;
    const auto blocks = (tensors[i].size + kElementsPerBlock - 1) / kElementsPerBlock;
    launch.tensors[launch.num_tensors] = tensors[i];
    launch.first_block[launch.num_tensors + 1] =
        launch.first_block[launch.num_tensors] + static_cast<int>(blocks);
    if (++launch.num_tensors == kTensorsPerLaunch) flush();
  }
  flush();
}

}  // namespace onecycle::kernels
