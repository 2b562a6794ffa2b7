#pragma once

#include "core/process/file_lock.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

// Replaces `path` as a whole or not at all: written beside it, flushed to the disk, renamed.
// What killed processes left half written of it goes. Throws FileError.
void write_file_atomically(const std::string& path, const std::vector<std::string_view>& parts);

// Makes `name` another name of `file`, in place of what it named before, and flushes that to the
// disk; a copy where the file system has no hard links. Throws FileError.
void replace_with_link(const std::string& file, const std::string& name);

// Makes the folder and those that it lies in, where they are not there, and flushes their names to
// the disk. Throws FileError.
void make_folders(const std::string& path);

// Held by one process at a time; the system lets go of it when the process ends in any way. Who
// takes it removes what killed processes left half written in the folder and below it.
class FolderLock {
 public:
  // Throws Error where another process holds it or the folder cannot be written to.
  explicit FolderLock(const std::string& folder);
  // Nothing where the constructor would throw.
  static std::unique_ptr<FolderLock> if_free(const std::string& folder);

 private:
  FileLock lock_;
};

// Creates `base`/1, /2, ...: the first number that is free, also beside other processes; "" +
// number once created. Throws Error where the folder cannot be made or written to.
std::string create_numbered_folder(const std::string& base);

}  // namespace onecycle
