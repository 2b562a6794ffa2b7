#include "data/needed_memory.h"

#include "onecycle/error.h"

#include "core/memory/host_memory.h"
#include "core/text/format.h"

namespace onecycle {

void require_memory(std::int64_t bytes, const std::string& what, const std::string& remedy) {
  const auto gigabytes = [](std::int64_t count) { return static_cast<double>(count) / 1e9; };
  const std::int64_t available = available_host_memory();
  if (bytes > available)
    throw DataError(format("{} need {:.1f} GB of memory, and {:.1f} GB are free: {}", what,
                           gigabytes(bytes), gigabytes(available), remedy));
}

}  // namespace onecycle
