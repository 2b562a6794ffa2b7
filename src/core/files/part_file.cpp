#include "core/files/part_file.h"

#include "core/files/file_error.h"
#include "core/text/format.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
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
bool names(const std::string& path, const FileDescriptor& file) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file.get(), &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// A part that nobody holds locked is nobody's. Where there are no locks, all are left.
void remove_if_dead(const std::string& part) {
  const FileLock lock(part, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  if (lock.held() && names(part, lock.file())) ::unlink(part.c_str());
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
  lock_ = FileLock(part_, O_WRONLY | O_CREAT | O_EXCL);
  if (!lock_.file() && errno != EEXIST) fail_on_file(path_, "cannot be opened for writing");
  return lock_.file() && !lock_.taken() && names(part_, lock_.file());
}

PartFile::~PartFile() {
  if (!part_.empty()) ::unlink(part_.c_str());
}

void PartFile::write(std::string_view bytes) {
  if (!lock_.file().write_at(bytes, length_)) fail_on_file(path_, "writing failed");
  length_ += bytes.size();
}

void PartFile::place() {
  if (!lock_.file().flush_to_disk()) fail_on_file(path_, "flushing to the disk failed");
  if (::rename(part_.c_str(), path_.c_str()) != 0)
    fail_on_file(path_, "cannot be moved into place");
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
  const FileDescriptor opened(folder, O_RDONLY | O_DIRECTORY);
  if (!opened && errno == EACCES) return;  // one may write into it, and not look
  if (!opened) fail_on_file(folder, "cannot be opened");
  if (!opened.flush_to_disk()) fail_on_file(folder, "flushing to the disk failed");
}

std::string folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace onecycle
