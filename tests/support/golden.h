#pragma once

#include "support/places.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace onecycle {

// A case of a golden file; its text is described in tests/golden/common.py.
struct GoldenCase {
  std::string head;
  std::string name;
  std::map<std::string, std::string> options;
  std::vector<std::string> keys;  // in the order of the file
  std::map<std::string, std::vector<double>> numbers;

  const std::string& option(const std::string& key) const { return options.at(key); }
  double number(const std::string& key) const { return std::stod(options.at(key)); }
  std::int64_t integer(const std::string& key) const { return std::stoll(options.at(key)); }
};

// The cases of tests/golden/FILE, or of the file that ONECYCLE_GOLDEN names in its place.
inline std::vector<GoldenCase> read_golden(const std::string& file) {
  const char* given = std::getenv("ONECYCLE_GOLDEN");
  std::ifstream lines(given ? given : source_dir() + "/tests/golden/" + file);
  std::vector<GoldenCase> cases;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "#") continue;
    if (key == "case") {
      GoldenCase& added = cases.emplace_back();
      added.head = line;
      words >> added.name;
      for (std::string option; words >> option;)
        added.options[option.substr(0, option.find('='))] = option.substr(option.find('=') + 1);
      continue;
    }
    auto& numbers = cases.back().numbers[key];
    cases.back().keys.push_back(key);
    const char* text = line.c_str() + key.size();
    for (char* end = nullptr;; text = end) {
      const double number = std::strtod(text, &end);
      if (end == text) break;
      numbers.push_back(number);
    }
  }
  if (cases.empty()) throw std::runtime_error(file + ": no golden cases");
  return cases;
}

}  // namespace onecycle
