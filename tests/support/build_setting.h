#pragma once

#include "support/places.h"

#include <filesystem>
#include <fstream>
#include <string>

namespace onecycle::testing {

// What CMake was told, "" where it was not.
inline std::string build_setting(const std::string& name) {
  std::ifstream cache(std::filesystem::path(program_path()).parent_path() / "CMakeCache.txt");
  for (std::string line; std::getline(cache, line);)
    if (line.starts_with(name + ":")) return line.substr(line.find('=') + 1);
  return "";
}

}  // namespace onecycle::testing
