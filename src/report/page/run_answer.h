#pragma once

#include "report/page/content.h"
#include "report/run_files.h"

#include <string>
#include <vector>

namespace onecycle {

// The result in a sentence: by validation, its best beside it, or by the training loss alone.
std::string answer_of(const RunFiles& files);

// What to do next with a run that ended so: "finished", "early stopped", "diverged", "interrupted",
// "out of memory", or "" where no end is recorded. Lines for a shell in the folder that `folder` is
// relative to.
std::vector<PageCommand> next_of(const RunFiles& files, const std::string& folder,
                                 const std::string& ending);

}  // namespace onecycle
