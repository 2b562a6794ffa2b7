#include "train/state/newest_checkpoint.h"

#include "onecycle/error.h"

#include "core/files/files.h"
#include "formats/safetensors/safetensors.h"
#include "train/state/run_state.h"

#include <filesystem>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

// One whose state cannot be read is as useless to a run as one whose bytes are damaged.
Snapshot read_sound(const std::string& path) {
  Snapshot snapshot = read_checkpoint(path);
  (void)run_state_in(snapshot.metadata, path);
  return snapshot;
}

// The metadata alone.
Metadata read_sound_metadata(const std::string& path) {
  const SafetensorsFile file(path);
  (void)run_state_in(file.metadata(), path);
  return file.metadata();
}

// Whether both are the same checkpoint: one file, or a copy with the same checksum.
bool are_same(const std::string& a, const std::string& b) {
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  try {
    return read_sound_metadata(a) == read_sound_metadata(b);
  } catch (const CheckpointError&) {
    return false;
  }
}

void mend_name(const std::string& folder, const char* name, const std::string& file) {
  const std::string path = checkpoint_path(folder, name);
  if (!are_same(path, file)) replace_with_link(file, path);
}

}  // namespace

std::optional<Snapshot> read_newest_checkpoint(const std::string& folder,
                                               std::vector<std::string>& warnings) {
  return first_sound(folder, warnings, read_sound);
}

std::optional<std::string> newest_checkpoint(const std::string& folder,
                                             std::vector<std::string>& warnings) {
  const auto path = first_sound(folder, warnings, [](const std::string& file) {
    (void)read_sound_metadata(file);
    return file;
  });
  const std::string last = checkpoint_path(folder, kLastCheckpoint);
  return path && are_same(last, *path) ? last : path;
}

void mend_checkpoint_names(const std::string& folder) {
  std::vector<std::string> told_elsewhere;
  const auto newest = first_sound(folder, told_elsewhere, [](const std::string& path) {
    return std::pair(path, run_state_in(read_sound_metadata(path), path));
  });
  if (!newest) return;
  const auto& [path, state] = *newest;
  mend_name(folder, kLastCheckpoint, path);
  if (!state || state->best_step == 0) return;
  const std::string best =
      state->best_step == state->steps ? path : checkpoint_path(folder, state->best_step);
  std::error_code error;
  if (fs::exists(best, error)) mend_name(folder, kBestCheckpoint, best);
}

}  // namespace onecycle
