#pragma once

#include "cli/command.h"
#include "cli/ranks.h"

#include <string>

namespace onecycle {

// What a command that trains works with, from its parsed line to its end: the recipe, this
// process's part among the ranks, and the environment and the console that follow from it.
class Session {
 public:
  // For the recipe at `path` under --set. On a rank beside the first `line` says nothing from here
  // on. Waits for the other ranks; throws UsageError, DistError, RecipeError, the latter also where
  // this machine lacks the recipe's precision.
  Session(CommandLine& line, const std::string& path);
  // For a recipe that is yet to be found.
  explicit Session(CommandLine& line);

  const CommandLine& line() const { return line_; }
  Console console() const { return line_.console(); }
  const Recipe& recipe() const { return recipe_; }  // as given
  const Environment& environment() const { return environment_; }
  const Registries& registries() const { return environment_.registries; }
  Group& group() const { return *environment_.group; }
  // Where a launcher that starts all ranks again lets them go on.
  void announce_folder(const std::string& folder) { ranks_.announce_folder(folder); }

 private:
  Session(CommandLine& line, Recipe recipe);

  const CommandLine& line_;
  Recipe recipe_;
  Environment environment_;  // keeps the group until this rank has told that it is done
  RankScope ranks_;
};

}  // namespace onecycle
