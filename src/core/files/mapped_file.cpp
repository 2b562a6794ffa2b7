#include "core/files/mapped_file.h"

#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "core/files/paths.h"
#include "core/text/format.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>

namespace onecycle {

namespace {

// Those mapped now. A run maps a file or two; what finds no place is not watched. A signal handler
// looks without the lock.
std::array<std::atomic<const MappedFile*>, 64> mapped_files{};
std::mutex mapped_lock;

void exchange(const MappedFile* from, const MappedFile* to) {
  const std::lock_guard lock(mapped_lock);
  for (auto& place : mapped_files) {
    const MappedFile* expected = from;
    if (place.compare_exchange_strong(expected, to)) return;
  }
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path), file_(path, O_RDONLY | O_NONBLOCK) {
  if (!file_ && is_fault_of_system(errno)) fail_on_file(path, "cannot be read");
  if (!file_)
    throw CheckpointError(format("{}: cannot be read: {}", path, why_unread(path, errno)));
  struct stat status {};
  const bool is_file = ::fstat(file_.get(), &status) == 0 && S_ISREG(status.st_mode);
  size_ = is_file ? static_cast<std::uint64_t>(status.st_size) : 0;
  modified_ = status.st_mtim;
  void* begin =
      size_ == 0 ? MAP_FAILED : ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_.get(), 0);
  if (begin == MAP_FAILED)
    throw CheckpointError(format("{}: not a file that can be read: {}", path,
                                 is_file ? "it is empty" : "it is not a regular file"));
  begin_ = static_cast<const char*>(begin);
  exchange(nullptr, this);
}

MappedFile::~MappedFile() {
  exchange(this, nullptr);
  ::munmap(const_cast<char*>(begin_), size_);
}

bool MappedFile::is_unchanged() const {
  struct stat status {};
  return ::fstat(file_.get(), &status) != 0 ||
         (static_cast<std::uint64_t>(status.st_size) == size_ &&
          status.st_mtim.tv_sec == modified_.tv_sec && status.st_mtim.tv_nsec == modified_.tv_nsec);
}

void MappedFile::check_all() {
  const std::lock_guard lock(mapped_lock);
  for (const auto& place : mapped_files) {
    const MappedFile* file = place;
    if (file != nullptr && !file->is_unchanged())
      throw DataError(
          format("{}: was changed or cut short while in use; start again, or resume, with a file "
                 "that does not change",
                 file->path_));
  }
}

const char* MappedFile::path_at(const void* address) noexcept {
  for (const auto& place : mapped_files) {
    const MappedFile* file = place;
    if (file != nullptr && address >= file->begin_ && address < file->begin_ + file->size_)
      return file->path_.c_str();
  }
  return nullptr;
}

}  // namespace onecycle
