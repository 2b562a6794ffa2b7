#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

// Bytes under a path, for readers of files: nothing goes to a disk.
class InMemoryFile {
 public:
  InMemoryFile(const std::uint8_t* data, std::size_t size) : handle_(::memfd_create("fuzz", 0)) {
    whole_ = ::write(handle_, data, size) == static_cast<ssize_t>(size);
  }
  ~InMemoryFile() { ::close(handle_); }
  InMemoryFile(const InMemoryFile&) = delete;
  InMemoryFile& operator=(const InMemoryFile&) = delete;

  bool whole() const { return whole_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(handle_); }

 private:
  int handle_;
  bool whole_ = false;
};
