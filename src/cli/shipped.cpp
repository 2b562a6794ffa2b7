#include "cli/shipped.h"

#include "onecycle/search.h"

#include "cli/command.h"
#include "recipe/document.h"

#include <cstdlib>
#include <filesystem>

namespace onecycle {

std::string shipped_datasets() {
  std::error_code none;  // without /proc
  const auto engine = std::filesystem::read_symlink("/proc/self/exe", none);
  const auto installed = engine.parent_path().parent_path() / "share/onecycle/datasets";
  if (std::filesystem::is_directory(installed, none)) return installed.string();
  return ONECYCLE_DATASET_DIR;
}

Registries shipped_registries() {
  Registries registries;
  if (const char* own = std::getenv("ONECYCLE_DATASETS"); own != nullptr && *own != '\0')
    registries.dataset_folders.emplace_back(own);
  registries.dataset_folders.push_back(shipped_datasets());
  return registries;
}

Recipe load_recipe(const std::string& path, const std::vector<std::string>& overrides,
                   const Registries& registries) {
  Value document = load_document(path, overrides);
  (void)take_search(document);  // `onecycle search` alone reads it
  return read_recipe(document, registries);
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
