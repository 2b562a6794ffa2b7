#include "core/files/input_file.h"

#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "core/files/paths.h"
#include "core/process/file_descriptor.h"
#include "core/text/format.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

namespace onecycle {

namespace {

// By errno.
[[noreturn]] void fail_to_read(const std::string& path) {
  if (is_fault_of_system(errno)) fail_on_file(path, "cannot be read");
  throw DataError(format("{}: cannot be read: {}", path, why_unread(path, errno)));
}

}  // namespace

std::vector<std::uint8_t> read_regular_file(const std::string& path, std::uint64_t most) {
  const FileDescriptor file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) fail_to_read(path);
  if (!S_ISREG(status.st_mode)) throw DataError(path + ": not a regular file; leave it out");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > most)
    throw DataError(
        format("{}: {} bytes, more than the limit of {}; leave it out", path, size, most));
  std::vector<std::uint8_t> bytes(size);
  const ssize_t count = file.read_at(bytes.data(), size, 0);
  if (count < 0) fail_to_read(path);
  if (static_cast<std::uint64_t>(count) < size)
    throw DataError(path + ": became shorter while it was read; try again");
  return bytes;
}

std::string text_if_readable(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace onecycle
