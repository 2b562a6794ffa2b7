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

// How a user starts this program, for hints that name a command of it: as it was typed this time
// ("./onecycle"), or "onecycle" where nobody said.
const std::string& program_name();
// `typed`: argv[0], which may be null. Before anything else asks.
void set_program_name(const char* typed);
// Lines of commands, with that name where they say onecycle.
std::string with_program_name(std::string commands);

// Ends this process when the one that started it ends; at once where that was not `parent`.
void live_no_longer_than(pid_t parent);

// This machine's name in its network; "" where it has none.
std::string host_name();

}  // namespace onecycle
