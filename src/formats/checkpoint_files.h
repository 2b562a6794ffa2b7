#pragma once

#include "onecycle/error.h"

#include "core/text/format.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What lies in a run's folder of checkpoints: step-<n>.safetensors, and last and best, further
// names of two of them.
namespace onecycle {

inline constexpr const char* kLastCheckpoint = "last";
inline constexpr const char* kBestCheckpoint = "best";

std::string checkpoints_path(const std::string& run_folder);
std::string checkpoint_path(const std::string& folder, std::int64_t step);
std::string checkpoint_path(const std::string& folder, const char* name);
// Steps of the files there, ascending.
std::vector<std::int64_t> checkpoint_steps(const std::string& folder);
// The files to try, the newest first.
std::vector<std::string> checkpoint_candidates(const std::string& folder);

// What `read` makes of the newest file that is sound: it throws CheckpointError for others, which
// `warnings` then names. Nothing where there is no file at all; throws CheckpointError where there
// are some but none is sound.
template <class Read>
auto first_sound(const std::string& folder, std::vector<std::string>& warnings, const Read& read)
    -> std::optional<decltype(read(std::string()))> {
  const std::vector<std::string> candidates = checkpoint_candidates(folder);
  std::string newest_fault;
  for (const std::string& path : candidates) {
    try {
      return read(path);
    } catch (const CheckpointError& fault) {
      warnings.emplace_back(fault.what());
      if (newest_fault.empty()) newest_fault = fault.what();
    }
  }
  if (candidates.empty()) return std::nullopt;
  throw CheckpointError(format("{}: none of its {} checkpoints is sound; the latest: {}", folder,
                               candidates.size(), newest_fault));
}

}  // namespace onecycle
