#pragma once

#include "support/places.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <sstream>
#include <string>

namespace onecycle::testing {

// A figure of a step against the one of figures.txt: at most 5 % above. Under tests/budget/refresh
// it is written down instead.
inline void expect_lean(const std::string& net, const std::string& figure, double value) {
  const std::string key = net + ' ' + figure;
  if (const char* path = std::getenv("ONECYCLE_BUDGET_WRITE")) {
    std::ofstream(path, std::ios::app)
        << key << ' ' << static_cast<std::int64_t>(value + 0.5) << '\n';
    return;
  }
  std::ifstream file(source_dir() + "/tests/budget/figures.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key + ' ', 0) != 0) continue;
    const double stored = std::stod(line.substr(key.size() + 1));
    EXPECT_LE(value, 1.05 * stored) << key << " a step: more than what was; if that has to be, "
                                    << "tests/budget/refresh";
    if (value < 0.95 * stored)
      std::cout << key << " a step: " << value << ", leaner than the stored " << stored
                << "; tests/budget/refresh holds on to it\n";
    return;
  }
  ADD_FAILURE() << key << " is not in figures.txt: tests/budget/refresh";
}

}  // namespace onecycle::testing
