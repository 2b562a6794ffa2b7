#include "onecycle/checkpoint.h"
#include "onecycle/error.h"

#include "core/format.h"
#include "core/safetensors.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

const char* stored_dtype(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "F32";
    case at::kDouble:
      return "F64";
    case at::kBFloat16:
      return "BF16";
    case at::kHalf:
      return "F16";
    case at::kLong:
      return "I64";
    default:
      throw CheckpointError(format("weights of type {} cannot be stored", at::toString(type)));
  }
}

at::ScalarType loaded_dtype(const std::string& path, const StoredTensor& stored) {
  for (const auto type : {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf, at::kLong})
    if (stored.dtype == stored_dtype(type)) return type;
  throw CheckpointError(
      format("{}: {} has type {}, which cannot be loaded", path, stored.name, stored.dtype));
}

}  // namespace

void write_checkpoint(const std::string& path, const Snapshot& snapshot) {
  std::vector<StoredTensor> stored;
  for (const NamedTensor& item : snapshot.tensors)
    stored.push_back({item.name, stored_dtype(item.tensor.scalar_type()), item.tensor.sizes().vec(),
                      item.tensor.const_data_ptr(),
                      static_cast<std::uint64_t>(item.tensor.nbytes())});
  write_safetensors(path, stored, snapshot.metadata);
}

Snapshot read_checkpoint(const std::string& path) {
  const SafetensorsFile file(path);
  Snapshot snapshot;
  snapshot.metadata = file.metadata();
  for (const StoredTensor& stored : file.tensors())
    // from_blob takes no const pointer; the copy only reads.
    snapshot.tensors.push_back({stored.name, at::from_blob(const_cast<void*>(stored.data),
                                                           stored.shape, loaded_dtype(path, stored))
                                                 .clone()});
  return snapshot;
}

}  // namespace onecycle
