#pragma once

#include "kernels/update/averages_element.h"
#include "kernels/update/multi_tensor.cuh"

// The kernel of averages.
namespace onecycle::kernels {

template <class T>
__device__ void average_block(const UpdateTensor& tensor, std::int64_t begin,
                              const AverageNumbers& numbers) {
  T* live = static_cast<T*>(tensor.weight);
  T* kept = static_cast<T*>(tensor.state[0]);
  const bool moves = numbers.moves != 0, returns = numbers.returns != 0;
  const AverageElement<T> element = average_element<T>(numbers);
  const std::int64_t end = min(begin + kElementsPerBlock, tensor.size);
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
    T value = kept[i];
    if (moves) kept[i] = value = element.moved(value, live[i]);
    if (!returns) continue;
    live[i] = value;
    if (tensor.copy != nullptr) store_copy(tensor, i, static_cast<float>(value));
  }
}

__global__ void __launch_bounds__(kThreads)
    average_kernel(const Launch launch, const AverageNumbers* numbers) {
  const AverageNumbers now = *numbers;
  if (now.moves == 0 && now.returns == 0) return;
  const int index = tensor_of_block(launch);
  const UpdateTensor& tensor = launch.tensors[index];
  const std::int64_t begin = begin_of_block(launch, index);
  if (tensor.type == ScalarType::f64) {
    average_block<double>(tensor, begin, now);
  } else {
    average_block<float>(tensor, begin, now);
  }
}

}  // namespace onecycle::kernels
