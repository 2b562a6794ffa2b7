#pragma once

#include "onecycle/datasets.h"

#include "cli/command.h"

#include <functional>
#include <string>
#include <vector>

namespace onecycle {

// Gets `downloads` into `folder`, in order, until `whole` says that what is there is enough, and
// tells the user how it goes. Returns the exit code; throws as fetch_file does.
int fetch_files(const CommandLine& line, const std::vector<Download>& downloads,
                const std::string& folder, const std::function<bool()>& whole);

}  // namespace onecycle
