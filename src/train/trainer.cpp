#include "onecycle/trainer.h"

#include "model/random_state.h"
#include "train/fit.h"

#include <c10/core/DeviceGuard.h>

namespace onecycle {

void Trainer::resume(const Snapshot& snapshot, const std::string& source) {
  start_ = snapshot;
  start_source_ = source;
}

RunEnd Trainer::fit() {
  struct Withdrawal {
    StopSignal& stop;
    ~Withdrawal() { stop.withdraw(); }
  } const withdrawal{stop_};
  const c10::DeviceGuard device(run_.compute.device);  // kernels are given its stream alone
  return with_random_state_kept([&] {                  // every step seeds the generators
    Fit fit(run_, observers_, stop_, store_);
    if (start_) fit.resume(*start_, start_source_);
    start_.reset();
    return fit.fit();
  });
}

}  // namespace onecycle
