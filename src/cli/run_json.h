#pragma once

#include "cli/session.h"
#include "recipe/used_values.h"

#include <string>

namespace onecycle {

// Adds a session to the run's run.json: the command line, version and commit of the program, host,
// machine and number of ranks; and, in place of those of the session before, the values that are
// used for options that the recipe leaves open. What else the file holds stays. Throws Error.
void note_session(const std::string& folder, const RecipeRun& run, const UsedValues& used,
                  const Session& session);

}  // namespace onecycle
