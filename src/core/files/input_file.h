#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// The bytes of a regular file of at most `most`. Throws DataError with the path; a pipe or a device
// is refused without waiting for it.
std::vector<std::uint8_t> read_regular_file(const std::string& path, std::uint64_t most);

// The bytes of a file, also one of /proc; "" where it cannot be read.
std::string text_if_readable(const std::string& path);

}  // namespace onecycle
