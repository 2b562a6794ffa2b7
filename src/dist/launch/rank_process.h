#pragma once

#include "core/process/child_process.h"
#include "core/process/file_descriptor.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace onecycle {

// What a rank writes, from a pipe, in whole lines on stderr after the rank's prefix. The line with
// which a rank ends ("onecycle: …") may be held back: when all fail alike, rank 0 has said it.
class RankOutput {
 public:
  RankOutput(std::string prefix, FileDescriptor pipe)
      : prefix_(std::move(prefix)), pipe_(std::move(pipe)) {}

  int descriptor() const { return pipe_.get(); }  // -1 at its end
  // What is there now; asks `hold` for each line that may be held back.
  void read(const std::function<bool()>& hold);
  void close();  // reads no more; prints the rest
  bool holds_lines() const { return !held_.empty(); }
  void print_held();

 private:
  void print(const std::string& line) const;
  void take_lines(const std::function<bool()>& hold);

  std::string prefix_;
  FileDescriptor pipe_;
  std::string text_;
  std::vector<std::string> held_;
};

// This program as one rank. Only rank 0 has the launcher's own stdin, stdout and stderr.
class RankProcess : public ChildProcess {
 public:
  // `arguments` without the program's name, `environment` NAME=value, all of it. Throws Error.
  RankProcess(std::int64_t rank, const std::vector<std::string>& arguments,
              const std::vector<std::string>& environment);

  std::int64_t rank() const { return rank_; }
  RankOutput& lines() { return lines_; }

 private:
  std::int64_t rank_;
  RankOutput lines_;
};

}  // namespace onecycle
