#pragma once

namespace onecycle {

// From here on, touching a mapped file that others have cut short ends the program with one line
// that names it and exit code 1, in place of a signal without a word.
void explain_bus_errors();

// Where this process's cgroup pays for fewer processors than it sees, as in a container, LibTorch
// computes with as many threads as it pays for: more of them only wait for one another while the
// group is held back. Nothing where OMP_NUM_THREADS chooses.
void heed_cpu_quota();

// Ends the program, what it printed written, where memory may have run out: what LibTorch does at
// an ordinary end may then go round for ever, over a registry that a lack of memory left half made.
[[noreturn]] void end_without_memory(int exit_code);

}  // namespace onecycle
