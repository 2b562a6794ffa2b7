#pragma once

#include "core/process/file_descriptor.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace onecycle {

// A text file that grows line by line, and holds whole lines alone: what a killed process or a full
// disk left of one is cut off. A line that cannot be written is lost, and those after it are tried
// again: a full disk ends nothing.
class AppendFile {
 public:
  using Warn = std::function<void(const std::string&)>;

  // Goes on with the file where there is one; a new one begins with `header`, a line. `warn` is
  // told of the first line that is lost, and at the end of how many were. Throws FileError.
  AppendFile(std::string path, const std::string& header, Warn warn = {});
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void write_line(std::string_view line);
  void flush_to_disk();
  // Leaves the header and the lines that `keeps` wants. Lines that are dropped from the end need no
  // room on the disk.
  void keep_lines(const std::function<bool(std::string_view line)>& keeps);

 private:
  void open();
  bool cut();
  bool append(std::string_view bytes);
  void replace(const std::string& text);
  std::string read_lines() const;
  void tell(const std::string& what) const;

  std::string path_;
  std::string header_;
  Warn warn_;
  FileDescriptor file_;
  std::uint64_t length_ = 0;  // of the whole lines
  bool torn_ = false;         // something else may follow them
  std::int64_t lost_ = 0;
  bool flush_failed_ = false;
};

}  // namespace onecycle
