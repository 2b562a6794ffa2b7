#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

namespace onecycle {

// LibTorch's default generators, of the CPU and of all GPUs, as they were when it was made.
class RandomState {
 public:
  RandomState();
  // Throws what LibTorch throws where a device fails.
  void put_back() const;

 private:
  std::vector<std::pair<at::Generator, at::Tensor>> states_;
};

// Calls `function`. When it has returned or thrown, those generators are what they were before.
template <class Function>
std::invoke_result_t<Function> with_random_state_kept(Function&& function) {
  const RandomState before;
  try {
    std::invoke_result_t<Function> result = std::forward<Function>(function)();
    before.put_back();
    return result;
  } catch (...) {
    before.put_back();
    throw;
  }
}

}  // namespace onecycle
