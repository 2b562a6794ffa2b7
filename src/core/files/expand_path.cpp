#include "core/files/expand_path.h"

#include <cstdlib>
#include <cstring>

namespace onecycle {

std::optional<std::string> expand_path(const std::string& path) {
  std::string result = path;
  if (result == "~" || result.starts_with("~/")) result.replace(0, 1, "${HOME}");
  for (std::size_t at = 0; (at = result.find("${", at)) != std::string::npos;) {
    const std::size_t end = result.find('}', at);
    if (end == std::string::npos) break;
    const char* value = std::getenv(result.substr(at + 2, end - at - 2).c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    result.replace(at, end + 1 - at, value);
    at += std::strlen(value);
  }
  return result;
}

}  // namespace onecycle
