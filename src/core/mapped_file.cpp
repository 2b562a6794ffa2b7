#include "core/mapped_file.h"

#include "onecycle/error.h"

#include "core/format.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace onecycle {

MappedFile::MappedFile(const std::string& path) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (handle < 0)
    throw CheckpointError(format("{}: cannot be read: {}", path, std::strerror(errno)));
  struct stat status {};
  const bool is_file = ::fstat(handle, &status) == 0 && S_ISREG(status.st_mode);
  size_ = is_file ? static_cast<std::uint64_t>(status.st_size) : 0;
  void* begin = size_ == 0 ? MAP_FAILED : ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, handle, 0);
  ::close(handle);
  if (begin == MAP_FAILED)
    throw CheckpointError(
        format("{}: not a file of weights: {}", path, is_file ? "it is empty" : "it is no file"));
  begin_ = static_cast<const char*>(begin);
}

MappedFile::~MappedFile() { ::munmap(const_cast<char*>(begin_), size_); }

}  // namespace onecycle
