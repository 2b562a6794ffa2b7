#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace onecycle {

// Work in turns, for bench/run, as bench/peers/turns.py does it: "ready" before it begins; each
// line "N" on stdin is answered, N times later, with the seconds that they took. Between turns it
// sleeps; at the end of stdin the process ends.
class Turns {
 public:
  Turns() : answers_(fdopen(dup(STDOUT_FILENO), "w")) {
    dup2(STDERR_FILENO, STDOUT_FILENO);  // whatever else is printed stays out of the answers
    std::fputs("ready\n", answers_);
    wait();
  }
  ~Turns() { std::fclose(answers_); }
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // Whether the turn ends with the next done().
  bool ends() const { return left_ == 1; }
  void done() {
    if (--left_ > 0) return;
    const std::chrono::duration<double> taken = Clock::now() - began_;
    std::fprintf(answers_, "%.6f\n", taken.count());
    wait();
  }

 private:
  using Clock = std::chrono::steady_clock;

  void wait() {
    std::fflush(answers_);
    if (!(std::cin >> left_)) std::_Exit(0);  // no evaluation, no files
    began_ = Clock::now();
  }

  std::FILE* answers_;
  std::int64_t left_ = 0;
  Clock::time_point began_;
};

}  // namespace onecycle
