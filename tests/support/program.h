#pragma once

#include "support/comes_true.h"
#include "support/places.h"
#include "support/temporary_folder.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace onecycle::testing {

struct Outcome {
  int exit_code = -1;  // 128 + the signal for a program that one ended
  std::string out;
  std::string err;

  std::string last_line() const {
    const std::size_t end = out.find_last_not_of('\n');
    if (end == std::string::npos) return "";
    const std::size_t begin = out.rfind('\n', end);
    return out.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
  }
};

// A started onecycle (or another program); its output goes to files until it is waited for.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments,
                   const std::string& program = program_path()) {
    std::vector<char*> argv;
    arguments.insert(arguments.begin(), program);
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, (folder_ / "out").c_str(),
                                     O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, (folder_ / "err").c_str(),
                                     O_WRONLY | O_CREAT, 0600);
    // A shell ignores the two in what it runs in the background, and so would the program.
    sigset_t by_default;
    sigemptyset(&by_default);
    for (const int number : {SIGINT, SIGQUIT}) sigaddset(&by_default, number);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &by_default);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const int error = posix_spawn(&pid_, argv[0], &files, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    // Without its number a signal to it, kill(-1), would reach every process.
    if (error != 0) throw std::system_error(error, std::generic_category(), program);
  }

  pid_t pid() const { return pid_; }
  std::string out_so_far() const { return read_bytes(folder_ / "out"); }
  std::string err_so_far() const { return read_bytes(folder_ / "err"); }

  // Whether the text comes to stand on its standard output.
  bool comes_to_say(const std::string& text) const {
    return comes_true([&] { return out_so_far().find(text) != std::string::npos; });
  }

  Outcome wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    Outcome outcome;
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.out = read_bytes(folder_ / "out");
    outcome.err = read_bytes(folder_ / "err");
    return outcome;
  }

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

inline Outcome run_program(std::vector<std::string> arguments) {
  return Program(std::move(arguments)).wait();
}

}  // namespace onecycle::testing
