#pragma once

#include "formats/pickle/pickle.h"
#include "formats/safetensors/stored_tensor.h"

#include <functional>
#include <set>
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
  std::string dtype;
  std::string key;
  std::uint64_t elements = 0;        // of the whole storage
  const PickleNode* view = nullptr;  // (key, offset, elements) of a part of it; legacy files only
};

// The globals that a file of tensors may name.
const std::set<std::string, std::less<>>& torch_globals();

// Throws CheckpointError where it is no such id.
StorageId storage_id(const PickleNode& persistent);

// The weights in what was saved.
struct TorchWeights {
  std::vector<StoredTensor> tensors;
  std::string member;                // where they stood: "", or "state_dict", "model"...
  std::vector<std::string> skipped;  // members beside them that are no tensors
};

// `storage_of` finds the bytes of a persistent id. `root`: a state_dict, or a dict that holds one.
// Throws CheckpointError where there is none, and for sizes, strides and offsets that leave the
// storage, overlap or are negative.
TorchWeights torch_weights(const PickleNode& root,
                           const std::function<TorchStorage(const PickleNode&)>& storage_of);

}  // namespace onecycle
