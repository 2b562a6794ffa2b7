#include "dist/launch/signal_queue.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace onecycle {

SignalQueue::SignalQueue(const std::vector<int>& signals) : blocked_(set_of(signals)) {
  const sigset_t set = set_of(signals);
  queue_ = FileDescriptor(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

SignalQueue::~SignalQueue() {
  while (next() != 0) {
  }
}

int SignalQueue::next() {
  signalfd_siginfo info{};
  if (::read(queue_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace onecycle
