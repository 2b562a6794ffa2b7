#pragma once

#include "formats/safetensors/stored_tensor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace onecycle {

// A value of an optimizer's param_groups.
using TorchScalar = std::variant<std::monostate, bool, double, std::pair<double, double>>;

// What an optimizer's load_state_dict takes, with all parameters in one group.
struct TorchOptimizer {
  std::vector<std::pair<std::string, TorchScalar>> group;  // lr, momentum...
  // Of each parameter in the module's order: its states by name, "momentum_buffer".
  std::vector<std::vector<StoredTensor>> states;
};

// Writes, atomically, what torch.save writes and torch.load(weights_only=True) reads: the
// state_dict as an OrderedDict of the tensors, which must be contiguous; with an optimizer
// {"state_dict": ..., "optimizer": ..., "step": step}. Throws Error.
void write_torch(const std::string& path, const std::vector<StoredTensor>& state,
                 const std::optional<TorchOptimizer>& optimizer = std::nullopt,
                 std::int64_t step = 0);

}  // namespace onecycle
