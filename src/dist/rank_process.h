#pragma once

#include "dist/rank_output.h"

#include <csignal>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace onecycle {

struct RankStart {
  std::int64_t rank = 0;
  std::vector<std::string> arguments;    // of this program, without its name
  std::vector<std::string> environment;  // NAME=value, all of it
};

// This program as one rank, in a process group of its own: a Ctrl-C reaches it through its
// launcher alone.
class RankProcess {
 public:
  explicit RankProcess(const RankStart& start);  // throws Error
  ~RankProcess();                                // kills it
  RankProcess(const RankProcess&) = delete;
  RankProcess& operator=(const RankProcess&) = delete;

  std::int64_t rank() const { return rank_; }
  pid_t pid() const { return pid_; }
  RankOutput& output() { return output_; }

  bool running() const { return running_; }
  void signal(int number) const;
  void kill();
  // Whether it ended since the last question.
  bool just_ended();

  // Of one that ended. `killed_by` is 0 where it exited, with exit_code.
  int killed_by() const { return killed_by_; }
  int exit_code() const { return exit_code_; }
  bool by_launcher() const { return by_launcher_; }  // kill() ended it

 private:
  std::int64_t rank_;
  RankOutput output_;
  pid_t pid_ = -1;
  bool running_ = true;
  int killed_by_ = 0;
  int exit_code_ = 0;
  bool by_launcher_ = false;
};

}  // namespace onecycle
