#pragma once

#include "onecycle/optimizer.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// Everything that a run needs to go on as if it had not stopped, copied out of it: masters and
// buffers (under `model`), the optimizer's state (`optimizer`), averaged weights (`average`), on
// the CPU and contiguous; counters and the observers' memories as JSON in the metadata.
struct Snapshot {
  std::vector<NamedTensor> tensors;
  std::map<std::string, std::string> metadata;
};

// Where a run keeps its checkpoints.
class CheckpointStore {
 public:
  virtual ~CheckpointStore() = default;
  // `step`: steps taken; `best`: the best one so far. Returns where it is. Throws Error.
  virtual std::string save(const Snapshot& snapshot, std::int64_t step, bool best) = 0;
  // The latest sound one; nothing where there is none at all. `warnings` names those passed over.
  // Throws CheckpointError where there are some but none is sound.
  virtual std::optional<Snapshot> load_latest(std::vector<std::string>& warnings) = 0;
};

// One file a checkpoint: `step-<n>.safetensors`, and last and best as further names of two of them.
// Each is written beside its place, flushed, renamed, and carries its own checksum.
class CheckpointFolder : public CheckpointStore {
 public:
  // Keeps the latest `keep` and the best. `metadata` goes into every file. The folder is made when
  // the first one is saved.
  CheckpointFolder(std::string folder, std::int64_t keep,
                   std::map<std::string, std::string> metadata);

  std::string save(const Snapshot& snapshot, std::int64_t step, bool best) override;
  std::optional<Snapshot> load_latest(std::vector<std::string>& warnings) override;

  // Steps of the files here, ascending.
  std::vector<std::int64_t> steps() const;

 private:
  std::string path_of(std::int64_t step) const;
  void give_name(const std::string& file, const char* name) const;
  void prune(std::int64_t newest) const;

  std::string folder_;
  std::int64_t keep_;
  std::map<std::string, std::string> metadata_;
};

// One file. Throws Error where it cannot be written.
void write_checkpoint(const std::string& path, const Snapshot& snapshot);
// Throws CheckpointError where the file is missing, damaged or no checkpoint.
Snapshot read_checkpoint(const std::string& path);

}  // namespace onecycle
