#pragma once

namespace onecycle {

// The repository that the program was built from; empty where it is to be packaged.
extern const char* const kSourceFolder;

}  // namespace onecycle
