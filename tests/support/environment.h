#pragma once

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace onecycle::testing {

// The environment of what is started while it lives.
class Environment {
 public:
  explicit Environment(std::vector<std::pair<std::string, std::string>> variables)
      : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& variable : variables_) ::unsetenv(variable.first.c_str());
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  std::vector<std::pair<std::string, std::string>> variables_;
};

}  // namespace onecycle::testing
