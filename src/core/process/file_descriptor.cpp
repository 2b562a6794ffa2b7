#include "core/process/file_descriptor.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace onecycle {

FileDescriptor::FileDescriptor(const std::string& path, int flags)
    : number_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  reset();
  number_ = other.release();
  return *this;
}

int FileDescriptor::release() { return std::exchange(number_, -1); }

void FileDescriptor::reset() {
  const int why = errno;
  if (number_ >= 0) ::close(release());
  errno = why;
}

ssize_t FileDescriptor::read_at(void* bytes, std::size_t count, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::pread(number_, static_cast<char*>(bytes) + done, count - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

bool FileDescriptor::write_at(std::string_view bytes, std::uint64_t offset) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(number_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

ssize_t FileDescriptor::read(std::string& text) const {
  char bytes[4096];
  ssize_t count = 0;
  do {
    count = ::read(number_, bytes, sizeof bytes);
  } while (count < 0 && errno == EINTR);
  if (count > 0) text.append(bytes, static_cast<std::size_t>(count));
  return count;
}

bool FileDescriptor::flush_to_disk() const { return ::fsync(number_) == 0 || errno == EINVAL; }

}  // namespace onecycle
