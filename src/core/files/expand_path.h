#pragma once

#include <optional>
#include <string>

namespace onecycle {

// `~` at the start and ${NAME} anywhere; nothing when a variable is not set.
std::optional<std::string> expand_path(const std::string& path);

}  // namespace onecycle
