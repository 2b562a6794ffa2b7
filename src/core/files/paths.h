#pragma once

#include <optional>
#include <string>

namespace onecycle {

// `~` at the start and ${NAME} anywhere; nothing when a variable is not set.
std::optional<std::string> expand_path(const std::string& path);

// For a folder that others may have made, before anything in it is read or written: throws Error,
// with its name, where a symbolic link at any depth leads out of the folder or nowhere. A link to
// the folder itself is the caller's own, and hard links are no symbolic ones.
void refuse_links_out_of(const std::string& folder);

}  // namespace onecycle
