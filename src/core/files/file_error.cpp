#include "core/files/file_error.h"

#include "core/text/format.h"

#include <cerrno>
#include <cstring>

namespace onecycle {

void fail_on_file(const std::string& path, const char* what) {
  throw FileError(format("{}: {}: {}", path, what, std::strerror(errno)));
}

bool is_fault_of_system(int error) {
  switch (error) {
    case EIO:
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ESTALE:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace onecycle
