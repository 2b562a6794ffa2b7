#include "core/process/file_lock.h"

#include <cerrno>
#include <sys/file.h>

namespace onecycle {

FileLock::FileLock(const std::string& path, int flags) : file_(path, flags) {
  if (!file_) return;
  held_ = ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0;
  taken_ = !held_ && errno == EWOULDBLOCK;
}

}  // namespace onecycle
