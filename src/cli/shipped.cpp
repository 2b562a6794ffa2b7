#include "cli/shipped.h"

#include "onecycle/search.h"

#include "cli/command.h"
#include "cli/source_folder.h"
#include "yaml/document.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include <ATen/Parallel.h>

namespace onecycle {

namespace {

// "datasets", "recipes" or "weights".
std::string shipped(const std::string& folder) {
  std::error_code none;  // without /proc
  const auto engine = std::filesystem::read_symlink("/proc/self/exe", none);
  const auto installed = engine.parent_path().parent_path() / "share/onecycle" / folder;
  if (std::filesystem::is_directory(installed, none)) return installed.string();
  return kSourceFolder + ("/" + folder);
}

}  // namespace

std::string shipped_datasets() { return shipped("datasets"); }

std::string shipped_weights() { return shipped("weights"); }

std::string recipe_file(const std::string& path) {
  constexpr std::string_view kFolder = "recipes/";
  std::error_code none;
  if (!path.starts_with(kFolder) || std::filesystem::exists(path, none)) return path;
  const std::string own = shipped("recipes") + "/" + path.substr(kFolder.size());
  return std::filesystem::exists(own, none) ? own : path;
}

Environment shipped_environment(std::shared_ptr<Group> group, LoadWatch loading) {
  Environment environment;
  if (const char* own = std::getenv("ONECYCLE_DATASETS"); own != nullptr && *own != '\0')
    environment.dataset_folders.emplace_back(own);
  environment.dataset_folders.push_back(shipped_datasets());
  environment.weights_folders.push_back(shipped_weights());
  environment.group = std::move(group);
  environment.loading = std::move(loading);
  environment.use_threads = at::set_num_threads;
  environment.use_device = use_device_settings;
  return environment;
}

Recipe load_recipe(const std::string& path, const std::vector<std::string>& overrides) {
  Value document = load_document(recipe_file(path), overrides);
  (void)take_search(document);  // `onecycle search` alone reads it
  return read_recipe(document, Registries());
}

std::string grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-') text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace onecycle
