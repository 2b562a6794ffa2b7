#include "onecycle/checkpoint.h"

#include "onecycle/error.h"

#include "core/files/files.h"
#include "core/text/format.h"
#include "data/tensor_bytes.h"
#include "formats/safetensors/safetensors.h"
#include "train/state/newest_checkpoint.h"

#include <algorithm>
#include <filesystem>

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

namespace fs = std::filesystem;

CheckpointFolder::CheckpointFolder(std::string folder, std::int64_t keep,
                                   std::map<std::string, std::string> metadata)
    : folder_(std::move(folder)), keep_(keep), metadata_(std::move(metadata)) {}

std::string CheckpointFolder::path_of(std::int64_t step) const {
  return checkpoint_path(folder_, step);
}

std::vector<std::int64_t> CheckpointFolder::steps() const { return checkpoint_steps(folder_); }

std::string CheckpointFolder::save(const Snapshot& snapshot, std::int64_t step, bool best) {
  make_folders(folder_);
  Snapshot complete = snapshot;
  for (const auto& [key, value] : metadata_) complete.metadata[key] = value;
  const std::string path = path_of(step);
  write_checkpoint(path, complete);
  give_name(path, kLastCheckpoint);
  if (best) give_name(path, kBestCheckpoint);
  prune(step);
  return path;
}

void CheckpointFolder::give_name(const std::string& file, const char* name) const {
  replace_with_link(file, checkpoint_path(folder_, name));
}

// Files of later steps are of a course that was left.
void CheckpointFolder::prune(std::int64_t newest) const {
  const std::vector<std::int64_t> all = steps();
  const auto kept_from = std::upper_bound(all.begin(), all.end(), newest) - all.begin() - keep_;
  std::error_code ignored;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(all.size()); ++i)
    if (i < kept_from || all[i] > newest) fs::remove(path_of(all[i]), ignored);
}

std::optional<Snapshot> CheckpointFolder::load_latest(std::vector<std::string>& warnings) {
  return read_newest_checkpoint(folder_, warnings);
}

}  // namespace onecycle
