#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace onecycle {

// A whole file in memory without reading it: pages come from the disk when they are touched.
class MappedFile {
 public:
  // Throws CheckpointError where there is no file, or an empty one.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {begin_, size_}; }

 private:
  const char* begin_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace onecycle
