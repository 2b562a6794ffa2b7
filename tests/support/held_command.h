#pragma once

#include "support/program.h"

#include <sys/stat.h>

namespace onecycle::testing {

// A started `onecycle check` that waits for its recipe until it is let go.
class HeldCommand {
 public:
  HeldCommand() : program_({"check", pipe()}) {
    // The pipe can be opened for writing as soon as the command has opened it to read.
    comes_true([&] {
      writer_ = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      return writer_ >= 0;
    });
  }
  ~HeldCommand() { let_go(); }
  HeldCommand(const HeldCommand&) = delete;
  HeldCommand& operator=(const HeldCommand&) = delete;

  bool holds() const { return writer_ >= 0; }
  pid_t pid() const { return program_.pid(); }
  std::string proc(const std::string& file) const {
    return read_bytes("/proc/" + std::to_string(pid()) + "/" + file);
  }

  // As if the recipe were empty.
  Outcome end() {
    let_go();
    return program_.wait();
  }
  Outcome wait() { return program_.wait(); }

 private:
  std::string pipe() {
    path_ = folder_ / "recipe.yaml";
    ::mkfifo(path_.c_str(), 0600);
    return path_;
  }
  void let_go() {
    if (writer_ >= 0) ::close(writer_);
    writer_ = -1;
  }

  TemporaryFolder folder_;
  std::string path_;
  int writer_ = -1;
  Program program_;
};

}  // namespace onecycle::testing
