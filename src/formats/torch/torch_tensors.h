#pragma once

#include "formats/pickle/pickle.h"
#include "formats/safetensors/stored_tensor.h"
#include "formats/torch/torch_names.h"

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// What torch.save pickles: tensors as calls of a rebuilding function, over storages that are
// persistent ids. See torch/serialization.py and torch/_utils.py.
namespace onecycle {

// A storage's bytes: whole elements of its dtype.
struct TorchStorage {
  std::string dtype;
  std::string_view bytes;
};

// A persistent id ("storage", type, key, location, number of elements[, view]).
struct StorageId {
  TorchElement element;
  std::string key;
  std::uint64_t elements = 0;        // of the whole storage
  const PickleNode* view = nullptr;  // (key, offset, elements) of a part of it; legacy files only
};

// Throws CheckpointError where it is no such id.
StorageId storage_id(const PickleNode& persistent);

// The members of a checkpoint that hold a model's weights, the first that has tensors being taken:
// averages before what they are of, as timm does (timm/models/_helpers.py, load_state_dict).
inline constexpr std::array kUsualMembers = {
    "state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "net", "network",
    "weights",        "params",    "module"};

// Whether any of the first `most` values of a dict is a tensor.
bool holds_tensors(const PickleNode& node, std::size_t most);

// The weights in what was saved.
struct TorchWeights {
  std::vector<StoredTensor> tensors;
  std::string member;                // where they stood: "", or "state_dict", "model"...
  std::vector<std::string> beside;   // usual members that hold weights too, and were not taken
  std::vector<std::string> skipped;  // members beside them that are no tensors
};

// `storage_of` finds the bytes of a persistent id. `root`: a state_dict, or a dict that holds one.
// Throws CheckpointError where there is none, and for sizes, strides and offsets that leave the
// storage, overlap or are negative.
TorchWeights torch_weights(const PickleNode& root,
                           const std::function<TorchStorage(const PickleNode&)>& storage_of);

}  // namespace onecycle
