// Alone, so that no other file is compiled again after each commit.

#include "cli/commit.h"

namespace onecycle {

const char* const kCommit = ONECYCLE_COMMIT;

}  // namespace onecycle
