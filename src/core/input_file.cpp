#include "core/input_file.h"

#include "onecycle/error.h"

#include "core/file_error.h"
#include "core/format.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace onecycle {

namespace {

struct Handle {
  int number;
  ~Handle() {
    if (number >= 0) ::close(number);
  }
};

// By errno.
[[noreturn]] void fail_to_read(const std::string& path) {
  if (is_fault_of_system(errno)) fail_on_file(path, "cannot be read");
  throw DataError(format("{}: cannot be read: {}", path, std::strerror(errno)));
}

}  // namespace

std::vector<std::uint8_t> read_regular_file(const std::string& path, std::uint64_t most) {
  const Handle handle{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (handle.number < 0 || ::fstat(handle.number, &status) != 0) fail_to_read(path);
  if (!S_ISREG(status.st_mode)) throw DataError(path + ": not a regular file; leave it out");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > most)
    throw DataError(
        format("{}: {} bytes, more than the {} that are read; leave it out", path, size, most));
  std::vector<std::uint8_t> bytes(size);
  for (std::uint64_t done = 0; done < size;) {
    const auto count = ::read(handle.number, bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_to_read(path);
    if (count == 0) throw DataError(path + ": became shorter while it was read; try again");
    done += static_cast<std::uint64_t>(count);
  }
  return bytes;
}

}  // namespace onecycle
