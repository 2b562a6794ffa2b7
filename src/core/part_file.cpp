#include "core/part_file.h"

#include "core/file_error.h"
#include "core/format.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kSuffix = ".part";
constexpr int kMostTries = 1000;

// The file whose part this is by its name; "" for any other name.
std::string_view whole_name_of(std::string_view name) {
  if (!name.ends_with(kSuffix)) return "";
  name.remove_suffix(kSuffix.size());
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == name.size()) return "";
  const std::string_view process = name.substr(dot + 1);
  const bool digits =
      std::all_of(process.begin(), process.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? name.substr(0, dot) : "";
}

// Whether the name still stands for the opened file.
bool names(const std::string& path, int handle) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(handle, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// A part that nobody holds locked is nobody's. Where there are no locks, all are left.
void remove_if_dead(const std::string& part) {
  const int handle = ::open(part.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (handle < 0) return;
  if (::flock(handle, LOCK_EX | LOCK_NB) == 0 && names(part, handle)) ::unlink(part.c_str());
  ::close(handle);
}

}  // namespace

PartFile::PartFile(std::string path) : path_(std::move(path)) {
  remove_dead_parts_of(path_);
  for (int i = 0; i < kMostTries; ++i) {
    part_ = format("{}.{}{}", path_, ::getpid() + i, kSuffix);
    if (create()) return;
  }
  errno = EEXIST;
  fail_on_file(path_, "cannot be opened for writing");
}

// False where the name is taken, or was taken for dead before it was locked.
bool PartFile::create() {
  handle_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (handle_ < 0 && errno == EEXIST) return false;
  if (handle_ < 0) fail_on_file(path_, "cannot be opened for writing");
  const bool taken = ::flock(handle_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (!taken && names(part_, handle_)) return true;
  ::close(handle_);
  handle_ = -1;
  return false;
}

PartFile::~PartFile() {
  if (handle_ < 0) return;
  if (!part_.empty()) ::unlink(part_.c_str());
  ::close(handle_);
}

void PartFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(handle_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_on_file(path_, "writing failed");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void PartFile::place() {
  if (::fsync(handle_) != 0 && errno != EINVAL) fail_on_file(path_, "flushing to the disk failed");
  if (::rename(part_.c_str(), path_.c_str()) != 0) fail_on_file(path_, "cannot be put in place");
  part_.clear();
  flush_folder(folder_of(path_));
}

void remove_dead_parts_of(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  const std::string folder = folder_of(path);
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error))
    if (whole_name_of(entry->path().filename().string()) == name)
      remove_if_dead(entry->path().string());
}

void remove_dead_parts_in(const std::string& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error))
    if (!whole_name_of(entry->path().filename().string()).empty())
      remove_if_dead(entry->path().string());
}

void flush_folder(const std::string& folder) {
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0 && errno == EACCES) return;  // one may write into it, and not look
  if (handle < 0) fail_on_file(folder, "cannot be opened");
  const bool flushed = ::fsync(handle) == 0 || errno == EINVAL;
  const int why = errno;
  ::close(handle);
  errno = why;
  if (!flushed) fail_on_file(folder, "flushing to the disk failed");
}

std::string folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace onecycle
