#include "formats/checkpoint_files.h"

#include "core/text/number.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSuffix = ".safetensors";
constexpr const char* kPrefix = "step-";

}  // namespace

std::string checkpoints_path(const std::string& run_folder) { return run_folder + "/checkpoints"; }

std::string checkpoint_path(const std::string& folder, const char* name) {
  return format("{}/{}{}", folder, name, kSuffix);
}

std::string checkpoint_path(const std::string& folder, std::int64_t step) {
  return format("{}/{}{:08}{}", folder, kPrefix, step, kSuffix);
}

std::vector<std::int64_t> checkpoint_steps(const std::string& folder) {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != kSuffix || !stem.starts_with(kPrefix)) continue;
    if (const auto step = parse_integer(stem.substr(std::string_view(kPrefix).size())))
      steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::vector<std::string> checkpoint_candidates(const std::string& folder) {
  std::vector<std::string> candidates;
  for (const std::int64_t step : checkpoint_steps(folder))
    candidates.insert(candidates.begin(), checkpoint_path(folder, step));
  const std::string last = checkpoint_path(folder, kLastCheckpoint);
  std::error_code error;
  if (candidates.empty() && fs::exists(last, error)) candidates.push_back(last);
  return candidates;
}

}  // namespace onecycle
