#include "onecycle/checkpoint.h"
#include "onecycle/error.h"

#include "core/files.h"
#include "core/format.h"
#include "core/number.h"

#include <algorithm>
#include <filesystem>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSuffix = ".safetensors";
constexpr const char* kPrefix = "step-";

}  // namespace

CheckpointFolder::CheckpointFolder(std::string folder, std::int64_t keep,
                                   std::map<std::string, std::string> metadata)
    : folder_(std::move(folder)), keep_(keep), metadata_(std::move(metadata)) {}

std::string CheckpointFolder::path_of(std::int64_t step) const {
  return format("{}/{}{:08}{}", folder_, kPrefix, step, kSuffix);
}

std::vector<std::int64_t> CheckpointFolder::steps() const {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != kSuffix || !stem.starts_with(kPrefix)) continue;
    if (const auto step = parse_integer(stem.substr(std::string_view(kPrefix).size())))
      steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::string CheckpointFolder::save(const Snapshot& snapshot, std::int64_t step, bool best) {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw Error(format("{}: cannot be made: {}", folder_, error.message()));
  Snapshot complete = snapshot;
  for (const auto& [key, value] : metadata_) complete.metadata[key] = value;
  const std::string path = path_of(step);
  write_checkpoint(path, complete);
  give_name(path, "last");
  if (best) give_name(path, "best");
  prune(step);
  return path;
}

void CheckpointFolder::give_name(const std::string& file, const char* name) const {
  replace_with_link(file, format("{}/{}{}", folder_, name, kSuffix));
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
  std::vector<std::string> candidates;
  for (const std::int64_t step : steps()) candidates.insert(candidates.begin(), path_of(step));
  const std::string last = format("{}/last{}", folder_, kSuffix);
  if (candidates.empty() && fs::exists(last)) candidates.push_back(last);
  for (const std::string& path : candidates) {
    try {
      return read_checkpoint(path);
    } catch (const CheckpointError& error) {
      warnings.push_back(error.what());
    }
  }
  if (candidates.empty()) return std::nullopt;
  throw CheckpointError(format("{}: none of its {} checkpoints is sound; the latest: {}", folder_,
                               candidates.size(), warnings.front()));
}

}  // namespace onecycle
