#pragma once

#include "core/process/file_descriptor.h"

namespace onecycle {

// A file that one process at a time holds locked, as long as this object lives; the system lets go
// of it when the process ends in any way.
class FileLock {
 public:
  FileLock() = default;
  // Opens the file by the flags of open(2) and locks it, unless another process does. errno says
  // why it is not held.
  FileLock(const std::string& path, int flags);

  const FileDescriptor& file() const { return file_; }  // none where it cannot be opened
  bool held() const { return held_; }
  // Another process holds it. Neither is where the file system has no locks.
  bool taken() const { return taken_; }

 private:
  FileDescriptor file_;
  bool held_ = false;
  bool taken_ = false;
};

}  // namespace onecycle
