#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

// Replaces `path` as a whole or not at all: written beside it, flushed to the disk, renamed.
// Throws Error.
void write_file_atomically(const std::string& path, const std::vector<std::string_view>& parts);

// Creates `base`/1, /2, ...: the first number that is free, also beside other processes; "" +
// number once created. Throws Error where the folder cannot be made or written to.
std::string create_numbered_folder(const std::string& base);

}  // namespace onecycle
