#pragma once

#include <string>
#include <sys/types.h>

namespace onecycle {

// What a program of this project changes of its process, in the first line of main:
// - Each of stdin, stdout and stderr that it was started without is /dev/null. Otherwise the next
//   files opened would get their numbers, and what is printed would land in them.
// - SIGUSR1 is ignored until something takes it: it asks for a checkpoint, and there is none yet.
// - So is SIGXFSZ: a file at its size limit is an error like a full disk.
void prepare_process();

// Ends this process when the one that started it ends; at once where that was not `parent`.
void live_no_longer_than(pid_t parent);

// This machine's name in its network; "" where it has none.
std::string host_name();

}  // namespace onecycle
