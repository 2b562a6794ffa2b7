#pragma once

#include "cli/session.h"

#include <string>

namespace onecycle {

// Adds a session to the run's run.json: the command line, version and commit of the program, host,
// machine and number of ranks. What else the file holds stays. Throws Error.
void note_session(const std::string& folder, const std::string& machine, const Session& session);

}  // namespace onecycle
