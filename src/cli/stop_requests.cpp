#include "cli/stop_requests.h"

#include <csignal>

namespace onecycle {

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
