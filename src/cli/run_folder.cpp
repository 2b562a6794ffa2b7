#include "cli/run_folder.h"

#include "core/files/files.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "options/differences.h"
#include "recipe/recipe_text.h"
#include "train/state/newest_checkpoint.h"
#include "train/state/shared_checkpoints.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <ATen/Parallel.h>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

std::string base_of(const Recipe& recipe) { return recipe.output.dir + "/" + recipe.name; }

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown CPU";
}

}  // namespace

std::string create_run_folder(const Recipe& recipe, Group& group) {
  return from_leader(group, [&] { return create_numbered_folder(base_of(recipe)); });
}

std::vector<std::string> run_folders(const Recipe& recipe) {
  std::vector<std::int64_t> numbers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(base_of(recipe), error))
    if (const auto number = parse_integer(entry.path().filename().string()))
      numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::string> folders;
  for (const std::int64_t number : numbers)
    folders.push_back(format("{}/{}", base_of(recipe), number));
  return folders;
}

void discard_unused(const std::string& run_folder) {
  std::error_code ignored;
  if (!fs::exists(recipe_path(run_folder), ignored)) fs::remove_all(run_folder, ignored);
}

std::string recipe_path(const std::string& run_folder) { return run_folder + "/recipe.yaml"; }

std::string weights_path(const std::string& run_folder) {
  return checkpoint_path(checkpoints_path(run_folder), kLastCheckpoint);
}

std::string newest_weights(const std::string& run_folder, std::vector<std::string>& warnings) {
  return newest_checkpoint(checkpoints_path(run_folder), warnings)
      .value_or(weights_path(run_folder));
}

std::string newest_weights(const std::string& run_folder, const Console& console) {
  std::vector<std::string> warnings;
  std::string path = newest_weights(run_folder, warnings);
  for (const std::string& warning : warnings)
    console.warn(warning + "; the checkpoint before it is used");
  return path;
}

void say_changes(const Recipe& before, const Recipe& after, const Registries& registries,
                 const Console& console) {
  const RecipeVariants variants = registries.variants();
  for (const std::string& change :
       differences(recipe_tree(before, variants), recipe_tree(after, variants)))
    console.say("changed    " + change);
}

std::string machine_text(const Compute& compute) {
  return format("{}; {}; {} CPU threads", cpu_name(), compute.summary, at::get_num_threads());
}

}  // namespace onecycle
