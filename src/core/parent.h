#pragma once

#include <sys/types.h>

namespace onecycle {

// Ends this process when the one that started it ends; at once where that was not `parent`.
void live_no_longer_than(pid_t parent);

}  // namespace onecycle
