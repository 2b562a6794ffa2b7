#pragma once

#include "onecycle/trainer.h"

#include <string>

namespace onecycle {

// Makes DIR/NAME/NUMBER for a run, with the resolved recipe in it; returns its path. Throws Error
// where it cannot be written to.
std::string create_run_folder(const Recipe& recipe, const Registries& registries);

// The file of final weights in a run's folder.
std::string weights_path(const std::string& run_folder);

// Writes it, with the recipe and how the run ended as metadata.
void save_final_weights(const Run& run, const RunEnd& end, const std::string& run_folder,
                        const Registries& registries);

}  // namespace onecycle
