#include "core/append_file.h"

#include "onecycle/error.h"

#include "core/files.h"
#include "core/format.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace onecycle {

namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw Error(format("{}: {}: {}", path, what, std::strerror(errno)));
}

}  // namespace

AppendFile::AppendFile(std::string path, const std::string& header)
    : path_(std::move(path)), header_(header + "\n") {
  open();
}

AppendFile::~AppendFile() {
  if (handle_ >= 0) ::close(handle_);
}

void AppendFile::open() {
  handle_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (handle_ < 0) fail(path_, "cannot be opened for writing");
  struct stat status {};
  if (::fstat(handle_, &status) == 0 && status.st_size == 0) write_all(header_);
}

void AppendFile::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(handle_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_, "writing failed");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void AppendFile::write_line(std::string_view line) { write_all(std::string(line) + "\n"); }

void AppendFile::flush_to_disk() {
  if (::fsync(handle_) != 0 && errno != EINVAL) fail(path_, "flushing to the disk failed");
}

void AppendFile::keep_lines(const std::function<bool(std::string_view line)>& keeps) {
  std::ifstream file(path_, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::string kept = header_;
  std::string_view rest = text;
  if (rest.starts_with(header_)) rest.remove_prefix(header_.size());
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    if (keeps(rest.substr(0, end))) kept += rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
  }
  write_file_atomically(path_, {kept});
  ::close(handle_);
  handle_ = -1;
  open();
}

}  // namespace onecycle
