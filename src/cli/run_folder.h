#pragma once

#include "onecycle/build.h"
#include "onecycle/trainer.h"

#include "cli/console.h"
#include "formats/checkpoint_files.h"

#include <string>
#include <vector>

namespace onecycle {

// Creates <output.dir>/<name>/<number>, once for all ranks. Collective. Throws Error where it
// cannot.
std::string create_run_folder(const Recipe& recipe, Group& group);
// The folders of the recipe's runs by number, the latest last.
std::vector<std::string> run_folders(const Recipe& recipe);

// Removes a folder that was made for a run which could not begin: one without a recipe.
void discard_unused(const std::string& run_folder);

std::string recipe_path(const std::string& run_folder);
std::string weights_path(const std::string& run_folder);  // the last checkpoint, by its name
// The newest sound checkpoint, whatever that name stands for just now; the name where there is no
// checkpoint. `warnings` names those passed over. Throws CheckpointError where none is sound.
std::string newest_weights(const std::string& run_folder, std::vector<std::string>& warnings);
std::string newest_weights(const std::string& run_folder, const Console& console);

// What bit-identity of two runs depends on beside the recipe.
std::string machine_text(const Compute& compute);

// "before -> after" of every key in which the second recipe differs.
void say_changes(const Recipe& before, const Recipe& after, const Registries& registries,
                 const Console& console);

}  // namespace onecycle
