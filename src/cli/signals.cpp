#include "cli/signals.h"

#include "core/process/blocked_signals.h"

#include <csignal>
#include <mutex>
#include <unistd.h>

namespace onecycle {

namespace {

SignalThread* taker = nullptr;  // the main thread's

std::mutex mutex;  // guards what follows
StopSignal* watched = nullptr;
StopRequests requests;

void die_of(int number) {
  std::signal(number, SIG_DFL);
  const sigset_t only = set_of({number});
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(number);
}

void answer(int number, pid_t sender) {
  const std::lock_guard lock(mutex);
  if (number == SIGUSR1) {
    if (watched != nullptr) watched->ask_for_checkpoint();
  } else if (watched == nullptr) {
    if (!is_ignored(number)) die_of(number);
  } else if (requests.ends_at_once(number, sender, StopRequests::Clock::now())) {
    die_of(number);
  } else if (watched->signal_number() == 0) {
    watched->interrupt(number);
  }
}

void watch(StopSignal* stop) {
  const std::lock_guard lock(mutex);
  watched = stop;
  requests = {};
}

}  // namespace

SignalThread::SignalThread() {
  taken_ = set_of({SIGINT, SIGTERM, SIGUSR1});
  if (!is_ignored(SIGHUP)) sigaddset(&taken_, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &taken_, &before_);
  // It takes no other signal either, so that those go to the main thread.
  {
    const BlockedSignals all;
    thread_ = std::thread([this] { take(); });
  }
  taker = this;
}

SignalThread::~SignalThread() {
  end();
  taker = nullptr;
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void SignalThread::take() {
  while (!over_) {
    siginfo_t info{};
    const int number = ::sigwaitinfo(&taken_, &info);
    if (number <= 0) continue;
    if (!over_) {
      answer(number, info.si_pid);
    } else if (info.si_pid != ::getpid()) {
      ::kill(::getpid(), number);  // came meanwhile: whoever takes them next gets it
    }
  }
}

void SignalThread::end() {
  if (!thread_.joinable()) return;
  over_ = true;
  ::pthread_kill(thread_.native_handle(), SIGUSR1);  // wakes it
  thread_.join();
}

void leave_signals_alone() {
  if (taker != nullptr) taker->end();
}

SignalScope::SignalScope(StopSignal& stop) { watch(&stop); }

SignalScope::~SignalScope() { watch(nullptr); }

namespace {

constexpr std::chrono::seconds kPassedOnWithin{5};

}  // namespace

bool StopRequests::ends_at_once(int number, pid_t sender, Clock::time_point now) {
  if (number == SIGHUP) return false;
  if (senders_.empty()) first_ = now;
  const bool again = !senders_.insert(sender).second;
  return again || now - first_ > kPassedOnWithin;
}

}  // namespace onecycle
