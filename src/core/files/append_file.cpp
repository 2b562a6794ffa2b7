#include "core/files/append_file.h"

#include "core/files/file_error.h"
#include "core/files/files.h"
#include "core/text/format.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace onecycle {

namespace {

// The end of the last whole line in the first `size` bytes. Nothing where they cannot be read.
std::optional<std::uint64_t> end_of_lines(const FileDescriptor& file, std::uint64_t size) {
  char block[4096];
  for (std::uint64_t end = size; end > 0;) {
    const std::uint64_t begin = end - std::min<std::uint64_t>(end, sizeof block);
    const auto count = static_cast<ssize_t>(end - begin);
    if (file.read_at(block, end - begin, begin) != count) return std::nullopt;
    const std::size_t at = std::string_view(block, end - begin).rfind('\n');
    if (at != std::string_view::npos) return begin + at + 1;
    end = begin;
  }
  return 0;
}

}  // namespace

AppendFile::AppendFile(std::string path, const std::string& header, Warn warn)
    : path_(std::move(path)), header_(header + "\n"), warn_(std::move(warn)) {
  open();
}

AppendFile::~AppendFile() {
  try {
    if (lost_ > 1) tell(format("{} lines could not be written and are lost", lost_));
  } catch (const std::exception&) {  // of whoever is told
  }
}

void AppendFile::open() {
  file_ = FileDescriptor(path_, O_RDWR | O_CREAT | O_NOFOLLOW);
  struct stat status {};
  if (!file_ || ::fstat(file_.get(), &status) != 0)
    fail_on_file(path_, "cannot be opened for writing");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const auto end = end_of_lines(file_, size);
  if (!end) fail_on_file(path_, "cannot be read");
  length_ = *end;
  torn_ = length_ < size;
  if (length_ == 0 && !append(header_)) fail_on_file(path_, "writing failed");
  cut();
}

// Takes away what follows the whole lines. False where that fails, with errno.
bool AppendFile::cut() {
  if (torn_ && ::ftruncate(file_.get(), static_cast<off_t>(length_)) == 0) torn_ = false;
  return !torn_;
}

// All or nothing. False where it was nothing, with errno.
bool AppendFile::append(std::string_view bytes) {
  if (!cut()) return false;
  if (file_.write_at(bytes, length_)) {
    length_ += bytes.size();
    return true;
  }
  const int why = errno;
  torn_ = true;
  cut();
  errno = why;
  return false;
}

void AppendFile::write_line(std::string_view line) {
  if (append(std::string(line) + "\n")) return;
  if (lost_++ == 0)
    tell(format("a line could not be written and is lost: {}", std::strerror(errno)));
}

void AppendFile::flush_to_disk() {
  if (file_.flush_to_disk()) return;
  if (!flush_failed_)
    tell(format("flushing to the disk failed, and lines may be lost: {}", std::strerror(errno)));
  flush_failed_ = true;
}

void AppendFile::keep_lines(const std::function<bool(std::string_view line)>& keeps) {
  const std::string text = read_lines();
  if (text.size() < length_) return tell("cannot be read: old lines are left in it");
  std::string kept = header_;
  std::size_t end_of_kept = text.starts_with(header_) ? header_.size() : 0;
  for (std::size_t begin = end_of_kept; begin < text.size();) {
    const std::size_t end = text.find('\n', begin) + 1;
    if (keeps(std::string_view(text).substr(begin, end - begin - 1))) {
      kept.append(text, begin, end - begin);
      end_of_kept = end;
    }
    begin = end;
  }
  if (kept.size() != end_of_kept) return replace(kept);
  torn_ |= end_of_kept < length_;
  length_ = end_of_kept;
  cut();
}

void AppendFile::replace(const std::string& text) {
  try {
    write_file_atomically(path_, {text});
    open();
  } catch (const FileError& error) {
    tell(format("old lines are left in it: {}", error.what()));
  }
}

// Shorter than they are where they cannot be read.
std::string AppendFile::read_lines() const {
  std::string text(length_, '\0');
  const ssize_t count = file_.read_at(text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

void AppendFile::tell(const std::string& what) const {
  try {
    if (warn_) warn_(format("{}: {}", path_, what));
  } catch (const std::exception&) {
    // Nor can the warning be written.
  }
}

}  // namespace onecycle
