#pragma once

#include <string>

namespace onecycle {

// Of a file's bytes as they are, in lower-case hexadecimal. `algorithm`: "md5" or "sha256". Throws
// DataError.
std::string file_digest(const std::string& path, const char* algorithm);

}  // namespace onecycle
