#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace onecycle {

// Replaces `path` as a whole or not at all: written beside it, flushed to the disk, renamed.
// Throws Error.
void write_file_atomically(const std::string& path, const std::vector<std::string_view>& parts);

// Makes `name` another name of `file`, in place of what it named before; a copy where the file
// system has no hard links. Throws Error.
void replace_with_link(const std::string& file, const std::string& name);

// Held by one process at a time; the system lets go of it when the process ends in any way.
class FolderLock {
 public:
  // Throws Error where another process holds it or the folder cannot be written to.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int handle_;
};

// Creates `base`/1, /2, ...: the first number that is free, also beside other processes; "" +
// number once created. Throws Error where the folder cannot be made or written to.
std::string create_numbered_folder(const std::string& base);

}  // namespace onecycle
