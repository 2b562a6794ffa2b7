#pragma once

namespace onecycle {

// From now on, for the whole process, LibTorch's tensors on the CPU keep large blocks of memory for
// reuse, in huge pages, instead of asking the system for them at every step; the C library keeps
// its own, too. `onecycle` calls it first thing, unless RLIMIT_DATA limits its memory; a program
// that embeds the library may. Worth a fifth to a third of a ResNet's step on the CPU; the process
// holds on to the most memory that was in use at once. A second call does nothing.
void cache_host_memory();

}  // namespace onecycle
