#pragma once

#include <optional>
#include <string>

namespace onecycle {

// `~` at the start and ${NAME} anywhere; nothing when a variable is not set, or the user has no
// home_folder().
std::optional<std::string> expand_path(const std::string& path);

// The path that differs from this one, of which a part is not there, by the name of that part alone
// and is there, where one such name is near; else "".
std::string near_path(const std::string& path);

// What to say of a path that could not be read, `error` being its errno: the system's words and, of
// what is not there, near_path().
std::string why_unread(const std::string& path, int error);

// For a folder that others may have made, before anything in it is read or written: throws Error,
// with its name, where a symbolic link at any depth leads out of the folder or nowhere. A link to
// the folder itself is the caller's own, and hard links are no symbolic ones.
void refuse_links_out_of(const std::string& folder);

}  // namespace onecycle
