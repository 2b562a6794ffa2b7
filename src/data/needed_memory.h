#pragma once

#include <cstdint>
#include <string>

namespace onecycle {

// Throws DataError, "WHAT need 12.3 GB of memory, and 8.0 GB are free: REMEDY", where the bytes are
// more than this process can still get.
void require_memory(std::int64_t bytes, const std::string& what, const std::string& remedy);

}  // namespace onecycle
