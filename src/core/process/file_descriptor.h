#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace onecycle {

// An open file, pipe or socket that children do not inherit, closed with this object. What fails
// leaves its reason in errno.
class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}
  // By the flags of open(2); none where that fails.
  FileDescriptor(const std::string& path, int flags);
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : number_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  explicit operator bool() const { return number_ >= 0; }
  int get() const { return number_; }
  int release();
  void reset();  // leaves errno as it is

  // Up to `count` bytes, fewer at the end of the file. Returns how many, or -1.
  ssize_t read_at(void* bytes, std::size_t count, std::uint64_t offset) const;
  // False where not all of them could be written.
  bool write_at(std::string_view bytes, std::uint64_t offset) const;
  // Waits for bytes of a pipe and appends them, 4096 at most. Returns how many, 0 at its end, or
  // -1.
  ssize_t read(std::string& text) const;
  // True also where the file system knows no flushing.
  bool flush_to_disk() const;

 private:
  int number_;
};

}  // namespace onecycle
