#include "onecycle/checkpoint.h"
#include "onecycle/error.h"

#include "core/text/format.h"
#include "formats/safetensors/safetensors.h"
#include "network/tensor_bytes.h"

#include <ATen/ATen.h>

namespace onecycle {

void write_checkpoint(const std::string& path, const Snapshot& snapshot) {
  std::vector<StoredTensor> tensors;
  for (const NamedTensor& item : snapshot.tensors)
    tensors.push_back(stored(item.name, item.tensor));
  write_safetensors(path, tensors, snapshot.metadata);
}

Snapshot read_checkpoint(const std::string& path) {
  const SafetensorsFile file(path);
  Snapshot snapshot;
  snapshot.metadata = file.metadata();
  try {
    for (const StoredTensor& item : file.tensors())
      snapshot.tensors.push_back({item.name, tensor_of(item).clone()});
  } catch (const CheckpointError& error) {
    throw CheckpointError(format("{}: {}", path, error.what()));
  }
  return snapshot;
}

}  // namespace onecycle
