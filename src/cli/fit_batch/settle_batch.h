#pragma once

#include "cli/session.h"

#include <string>

namespace onecycle {

struct SettledBatch {
  Recipe recipe;         // with a number in place of `auto`
  std::string evidence;  // one sentence; empty where the recipe named the number
};

// Where the recipe's data.batch_size is `auto`, or `always`: finds one by the search of fit-batch,
// under the memory that is available, and says so. Throws Error where nothing fits,
// FitBatchInterrupted.
SettledBatch settle_batch(const Recipe& recipe, const Session& session, bool always = false);

}  // namespace onecycle
