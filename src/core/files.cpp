#include "core/files.h"

#include "onecycle/error.h"

#include "core/format.h"
#include "core/number.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <unistd.h>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw Error(format("{}: {}: {}", path, what, std::strerror(errno)));
}

class File {
 public:
  // `name`: in messages.
  File(const std::string& path, int flags, const std::string& name)
      : path_(name), handle_(::open(path.c_str(), flags, 0644)) {
    if (handle_ < 0) fail(path, "cannot be opened for writing");
  }
  ~File() {
    if (handle_ >= 0) ::close(handle_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write(std::string_view bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
      const auto count = ::write(handle_, bytes.data() + done, bytes.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail(path_, "writing failed");
      done += static_cast<std::size_t>(count);
    }
  }
  void flush() {
    if (::fsync(handle_) != 0 && errno != EINVAL) fail(path_, "flushing to the disk failed");
  }

 private:
  std::string path_;
  int handle_;
};

}  // namespace

void write_file_atomically(const std::string& path, const std::vector<std::string_view>& parts) {
  const std::string temporary = format("{}.{}.part", path, ::getpid());
  try {
    File file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, path);
    for (const std::string_view part : parts) file.write(part);
    file.flush();
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail(path, "cannot be put in place");
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  const fs::path folder = fs::path(path).parent_path();
  const std::string place = folder.empty() ? "." : folder.string();
  File(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC, place).flush();
}

void replace_with_link(const std::string& file, const std::string& name) {
  const std::string temporary = format("{}.{}.part", name, ::getpid());
  ::unlink(temporary.c_str());
  std::error_code error;
  if (::link(file.c_str(), temporary.c_str()) != 0) fs::copy_file(file, temporary, error);
  if (error) throw Error(format("{}: cannot be written: {}", name, error.message()));
  const bool placed = ::rename(temporary.c_str(), name.c_str()) == 0;
  const int why = errno;
  // Renaming over another name of the same file leaves both.
  ::unlink(temporary.c_str());
  errno = why;
  if (!placed) fail(name, "cannot be put in place");
}

FolderLock::FolderLock(const std::string& folder)
    : handle_(
          ::open((folder + "/.lock").c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644)) {
  if (handle_ < 0) fail(folder, "cannot be written to");
  if (::flock(handle_, LOCK_EX | LOCK_NB) == 0) return;
  const bool held = errno == EWOULDBLOCK;
  ::close(handle_);
  // A file system without locks is used without.
  handle_ = -1;
  if (held) throw Error(folder + ": another process is training this run; wait for it, or end it");
}

FolderLock::~FolderLock() {
  if (handle_ >= 0) ::close(handle_);
}

std::string create_numbered_folder(const std::string& base) {
  std::error_code error;
  fs::create_directories(base, error);
  if (error)
    throw Error(
        format("{}: the output folder cannot be made: {}; set output.dir to a folder that "
               "can be written to",
               base, error.message()));
  std::int64_t number = 1;
  for (const auto& entry : fs::directory_iterator(base, error))
    if (const auto taken = parse_integer(entry.path().filename().string()))
      number = std::max(number, *taken + 1);
  for (;; ++number) {
    const std::string path = format("{}/{}", base, number);
    if (fs::create_directory(path, error)) return path;
    if (error)
      throw Error(
          format("{}: the output folder cannot be written to: {}; set output.dir to one "
                 "that can",
                 base, error.message()));
  }
}

}  // namespace onecycle
