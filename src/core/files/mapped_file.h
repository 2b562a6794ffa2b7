#pragma once

#include "core/process/file_descriptor.h"

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace onecycle {

// A whole file in memory without reading it: pages come from the disk when they are touched. One
// that others change or shorten meanwhile is not what was opened, and touching what it has lost is
// SIGBUS.
class MappedFile {
 public:
  // Throws CheckpointError where there is no file, or an empty one.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {begin_, size_}; }

  // Throws DataError that names it where a file mapped now is not as it was when it was opened.
  static void check_all();
  // The file that is mapped there, or null. Safe in a signal handler.
  static const char* path_at(const void* address) noexcept;

 private:
  bool is_unchanged() const;

  std::string path_;
  FileDescriptor file_;
  std::timespec modified_{};
  const char* begin_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace onecycle
