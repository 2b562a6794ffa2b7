#pragma once

#include <string>

namespace onecycle {

// The repository, and the built program.
std::string source_dir();
std::string program_path();

}  // namespace onecycle
