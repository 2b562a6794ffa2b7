#include "core/process/blocked_signals.h"

namespace onecycle {

namespace {

sigset_t every_signal() {
  sigset_t all;
  sigfillset(&all);
  return all;
}

}  // namespace

sigset_t set_of(const std::vector<int>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : signals) sigaddset(&set, number);
  return set;
}

bool is_ignored(int signal) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

BlockedSignals::BlockedSignals() : BlockedSignals(every_signal()) {}

BlockedSignals::BlockedSignals(const sigset_t& signals) {
  ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
}

BlockedSignals::~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

}  // namespace onecycle
