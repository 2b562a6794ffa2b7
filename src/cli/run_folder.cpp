#include "cli/run_folder.h"

#include "core/files.h"
#include "core/format.h"
#include "recipe/yaml.h"
#include "train/weights.h"

#include <filesystem>

namespace onecycle {

namespace {

std::string resolved_text(const Recipe& recipe, const Registries& registries) {
  return write_yaml(recipe_options(registries.variants()).write(recipe));
}

}  // namespace

std::string create_run_folder(const Recipe& recipe, const Registries& registries) {
  const std::string folder = create_numbered_folder(recipe.output.dir + "/" + recipe.name);
  write_file_atomically(folder + "/recipe.yaml", {resolved_text(recipe, registries)});
  return folder;
}

std::string weights_path(const std::string& run_folder) {
  return run_folder + "/checkpoints/last.safetensors";
}

void save_final_weights(const Run& run, const RunEnd& end, const std::string& run_folder,
                        const Registries& registries) {
  const std::string path = weights_path(run_folder);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  save_weights(path, *run.parameters,
               {{"format", "onecycle"},
                {"step", std::to_string(end.steps)},
                {"stop_reason", name_of(end.reason)},
                {"recipe", resolved_text(run.recipe, registries)}});
}

}  // namespace onecycle
