#include "train/agreement.h"

#include <algorithm>

namespace onecycle {

namespace {

constexpr double kMeetEvery = 0.25;  // seconds
constexpr double kGrowth = 2;        // of the distance between two meetings, at most

}  // namespace

void Agreement::settle(StopSignal& stop, std::int64_t steps, double seconds) {
  const bool asks_for_checkpoint = stop.take_checkpoint_request();
  if (group_.size() == 1) {
    stops_ = stop.requested();
    signalled_ = stop.signal_number() != 0;
    checkpoint_ = checkpoint_ || asks_for_checkpoint;
    return;
  }
  const auto taken = static_cast<double>(std::max<std::int64_t>(1, steps - last_steps_));
  const auto all =
      group_.all_gather({stop.requested() ? 1.0 : 0.0, static_cast<double>(stop.reason()),
                         static_cast<double>(stop.signal_number()), asks_for_checkpoint ? 1.0 : 0.0,
                         (seconds - last_seconds_) / taken});
  double step_seconds = 1e-6;
  for (const auto& one : all) {
    checkpoint_ = checkpoint_ || one[3] != 0;
    signalled_ = signalled_ || one[2] != 0;
    step_seconds = std::max(step_seconds, one[4]);
  }
  next_ = steps +
          static_cast<std::int64_t>(std::clamp(kMeetEvery / step_seconds, 1.0, kGrowth * taken));
  last_steps_ = steps;
  last_seconds_ = seconds;

  const auto asks = [](const std::vector<double>& one) { return one[0] != 0; };
  const auto first = std::find_if(all.begin(), all.end(), asks);
  if (first == all.end()) return;
  const std::string message = group_.broadcast(stop.message(), first - all.begin());
  const auto reason = static_cast<StopReason>(static_cast<int>((*first)[1]));
  const auto signal = static_cast<int>((*first)[2]);
  stop.withdraw();
  if (reason == StopReason::interrupted && signal != 0) {
    stop.interrupt(signal);
  } else {
    stop.request(reason, message);
  }
  stops_ = true;
}

}  // namespace onecycle
