#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace onecycle::testing {

// The environment of what is started while it lives; what there was before comes back.
class Environment {
 public:
  using Variables = std::vector<std::pair<std::string, std::string>>;

  explicit Environment(Variables variables) : variables_(std::move(variables)) {
    for (auto& [name, value] : variables_) {
      const char* before = std::getenv(name.c_str());
      before_.push_back(before == nullptr ? std::nullopt : std::optional<std::string>(before));
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  ~Environment() {
    for (std::size_t i = variables_.size(); i-- > 0;) {
      const char* name = variables_[i].first.c_str();
      before_[i] ? ::setenv(name, before_[i]->c_str(), 1) : ::unsetenv(name);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  Variables variables_;
  std::vector<std::optional<std::string>> before_;
};

}  // namespace onecycle::testing
