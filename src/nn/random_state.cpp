#include "nn/random_state.h"

#include <mutex>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

namespace onecycle {

RandomState::RandomState() {
  const auto keep = [&](at::Device device) {
    at::Generator generator = at::globalContext().defaultGenerator(device);
    const std::lock_guard lock(generator.mutex());
    states_.emplace_back(generator, generator.get_state());
  };
  keep(at::kCPU);
  const int gpus =
      at::hasCUDA() ? static_cast<unsigned char>(at::detail::getCUDAHooks().deviceCount()) : 0;
  for (int gpu = 0; gpu < gpus; ++gpu) keep({at::kCUDA, static_cast<at::DeviceIndex>(gpu)});
}

void RandomState::put_back() const {
  for (auto [generator, state] : states_) {
    const std::lock_guard lock(generator.mutex());
    generator.set_state(state);
  }
}

}  // namespace onecycle
