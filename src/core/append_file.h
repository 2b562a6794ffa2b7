#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace onecycle {

// A text file that grows line by line: a line is there whole, or not at all unless the machine
// stops in between.
class AppendFile {
 public:
  // Goes on with the file where there is one; a new one begins with `header`, a line. Throws Error.
  AppendFile(std::string path, const std::string& header);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void write_line(std::string_view line);  // throws Error
  void flush_to_disk();                    // throws Error
  // Rewrites the file, atomically, with its header and the whole lines that `keeps` wants.
  void keep_lines(const std::function<bool(std::string_view line)>& keeps);

 private:
  void open();
  void write_all(std::string_view bytes);

  std::string path_;
  std::string header_;
  int handle_ = -1;
};

}  // namespace onecycle
