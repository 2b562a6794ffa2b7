#pragma once

#include "support/places.h"

#include <fstream>
#include <string>

namespace onecycle::testing {

// What CMake was told, "" where it was not.
inline std::string build_setting(const std::string& name) {
  std::ifstream cache(built("CMakeCache.txt"));
  for (std::string line; std::getline(cache, line);)
    if (line.starts_with(name + ":")) return line.substr(line.find('=') + 1);
  return "";
}

}  // namespace onecycle::testing
