#include "onecycle/trainer.h"

#include "train/fit.h"

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
  Fit fit(run_, observers_, stop_, store_);
  if (start_) fit.resume(*start_, start_source_);
  start_.reset();
  return fit.fit();
}

}  // namespace onecycle
