#pragma once

#include "core/process/file_descriptor.h"

#include <chrono>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace onecycle {

struct ChildStart {
  enum class Errors { own, with_output, nowhere };

  std::string program = {};  // found in PATH; "": this one, also where its file was replaced
  std::vector<std::string> arguments = {};    // without the program's name
  std::vector<std::string> environment = {};  // NAME=value, all of it; empty: this process's
  bool own_streams = false;                   // stdin, stdout and stderr are this process's own
  int input = -1;                             // otherwise its stdin; -1: nothing to read
  int output = -1;                            // its stdout; -1: a pipe, ChildProcess::output()
  Errors errors = Errors::with_output;        // its stderr; own: this process's
  bool leads_a_group = true;                  // a Ctrl-C reaches it through this process alone
};

// A child, ended with this object. Whatever this process does with its own signals, none is blocked
// in it; what this program ignores (this_process.h) another one finds at its default.
class ChildProcess {
 public:
  using Clock = std::chrono::steady_clock;

  ChildProcess() = default;
  explicit ChildProcess(const ChildStart& start);
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }
  ChildProcess& operator=(ChildProcess&& other) noexcept;

  int failure() const { return failure_; }  // an errno where it could not be started
  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }  // while it runs
  FileDescriptor& output() { return output_; }

  // Waits for output until `deadline` and appends it to `text`. False at its end.
  bool read(std::string& text, Clock::time_point deadline) const;
  void signal(int number) const;
  // Whether it ended since the last question.
  bool just_ended();
  void wait();

  // Of one that ended.
  int killed_by() const;  // the signal, or 0
  int exit_code() const;  // 128 + the signal where one ended it

 private:
  bool collect(int options);

  int failure_ = 0;
  pid_t pid_ = -1;
  int status_ = 0;
  FileDescriptor output_;
};

}  // namespace onecycle
