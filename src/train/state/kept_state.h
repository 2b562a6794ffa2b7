#pragma once

#include "onecycle/checkpoint.h"
#include "onecycle/trainer.h"

#include "nn/ops/mode_scope.h"

#include <type_traits>
#include <utility>
#include <vector>

namespace onecycle {

// Whatever of a run's parts training changes, as it was: weights, buffers, gradients, the
// optimizer's state, which weights take gradients and, at its end, the modes.
class KeptState {
 public:
  // Waits for the device. The run must outlive it.
  explicit KeptState(const Run& run);

  // Calls `train`, which finds no gradients; when it has returned or thrown, all but the modes is
  // put back. Throws also what LibTorch throws where the device fails.
  template <class Function>
  std::invoke_result_t<Function> undo(Function&& train) const {
    put_gradients_aside();
    try {
      std::invoke_result_t<Function> result = std::forward<Function>(train)();
      put_back();
      return result;
    } catch (...) {
      put_back();
      throw;
    }
  }

 private:
  void put_gradients_aside() const;
  void put_back() const;

  struct Kept {
    bool takes_gradients;
    at::Tensor gradient;  // may be undefined
  };

  const Run& run_;
  ModeScope modes_;
  Snapshot before_;
  std::vector<Kept> trained_;  // by parameter
};

}  // namespace onecycle
