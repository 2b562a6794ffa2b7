#include "cli/signals.h"

#include <csignal>

namespace onecycle {

namespace {

StopSignal* watched = nullptr;

void end_run(int number) {
  watched->interrupt(number);
  std::signal(number, SIG_DFL);
}

void save_now(int) { watched->ask_for_checkpoint(); }

}  // namespace

SignalScope::SignalScope(StopSignal& stop) {
  watched = &stop;
  std::signal(SIGINT, end_run);
  std::signal(SIGTERM, end_run);
  std::signal(SIGUSR1, save_now);
}

SignalScope::~SignalScope() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGUSR1, SIG_IGN);
  watched = nullptr;
}

}  // namespace onecycle
