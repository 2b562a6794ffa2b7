#pragma once

namespace onecycle {

// The commit that the program was built from, shortened; empty where it was no clone.
extern const char* const kCommit;

}  // namespace onecycle
