#include "cli/session.h"

#include "onecycle/compute.h"
#include "onecycle/device_settings.h"

#include "cli/progress.h"

#include <utility>

namespace onecycle {

namespace {

// Before ranks join, and with them the threads of their groups: what CUDA's libraries read of the
// environment is there when they start. A resumed run's recipe is not known yet; its settings are
// used when it is built, before any work on the GPU.
Recipe prepared(Recipe recipe) {
  use_device_settings(recipe.train.device_settings());
  return recipe;
}

}  // namespace

Session::Session(CommandLine& line, const std::string& path)
    : Session(line, prepared(load_recipe(path, line.overrides()))) {
  require_precision(recipe_.train.compute(), group().local_rank());
}

Session::Session(CommandLine& line) : Session(line, Recipe()) {}

// The console is asked for when the ranks have joined: it depends on which of them this is.
Session::Session(CommandLine& line, Recipe recipe)
    : line_(line), recipe_(std::move(recipe)), ranks_(line, recipe_.train.device) {
  environment_ = shipped_environment(ranks_.group(), load_watch(console()));
}

}  // namespace onecycle
