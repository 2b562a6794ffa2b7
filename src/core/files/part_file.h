#pragma once

#include "core/process/file_lock.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace onecycle {

// A file that is written beside `path`, as PATH.<process>.part, and becomes it as a whole. It is
// locked as long as it is written, so that what a killed process left can be told from what a
// living one writes. Everything throws FileError; without place() nothing is left.
class PartFile {
 public:
  explicit PartFile(std::string path);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  void write(std::string_view bytes);
  // Flushes it to the disk and puts it in place of what was there.
  void place();

 private:
  bool create();

  std::string path_;
  std::string part_;
  FileLock lock_;
  std::uint64_t length_ = 0;
};

// Removes what killed processes left half written of `path`.
void remove_dead_parts_of(const std::string& path);
// The same of all files in the folder and below it.
void remove_dead_parts_in(const std::string& folder);

// Names in the folder, as they are now, outlast a loss of power. Throws FileError.
void flush_folder(const std::string& folder);
// The folder that the file's name stands in.
std::string folder_of(const std::string& path);

}  // namespace onecycle
