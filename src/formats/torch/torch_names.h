#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace onecycle {

// What a storage of torch holds: the dtype as safetensors names it, or as torch does where its
// numbers are not read.
struct TorchElement {
  std::string dtype;
  std::uint64_t bytes = 0;  // of an element
};

// Of a storage type, "torch.FloatStorage"; nullptr for a stranger. Bytes without a type are U8.
const TorchElement* storage_element(std::string_view type);

// Of a dtype, "torch.uint16"; torch's name and 0 bytes where its numbers are not read.
TorchElement dtype_element(std::string_view dtype);

// The globals that a file of tensors may name: what torch.load(weights_only=True) allows
// (torch/_weights_only_unpickler.py of PyTorch 2.11, _get_allowed_globals), frozensets, and numpy's
// numbers.
const std::set<std::string, std::less<>>& torch_globals();

}  // namespace onecycle
