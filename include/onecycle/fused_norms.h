#pragma once

namespace onecycle {

// Whether a batch norm in training and what follows it, an addition and ReLU or GELU, are one
// operator of ours with two passes over memory each way; off: PyTorch's operators one by one.
enum class FusedNorms {
  automatic,  // on the CPU; on a GPU once docs/gpu.md names one on which it was faster
  on,         // wherever the operator takes the norm's input
  off,        // nowhere
};

}  // namespace onecycle
