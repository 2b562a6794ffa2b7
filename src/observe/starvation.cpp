#include "observe/starvation.h"

#include "core/text/format.h"

namespace onecycle {

namespace {

constexpr double kLookAfter = 5;   // seconds that the thread ran or would have
constexpr double kStarved = 0.25;  // of them

}  // namespace

void StarvationWatch::on_run_begin(const RunBegin&) { begin_ = times_(); }

void StarvationWatch::on_log_point(const LogPoint&, StopSignal&) {
  if (!begin_) return;
  const auto now = times_();
  if (!now) return;
  const double waited = now->waiting - begin_->waiting;
  const double wanted = waited + now->running - begin_->running;
  if (wanted < kLookAfter) return;
  begin_.reset();
  if (waited < kStarved * wanted) return;
  say_(
      format("other work keeps this machine's processors: training waited for one {:.0f} % of its "
             "time; fewer threads may be faster (--set train.threads=1)",
             100 * waited / wanted));
}

}  // namespace onecycle
