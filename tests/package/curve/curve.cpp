// Smith's one-cycle at its corners: lr_max / 10 at the start, lr_max where momentum is least.
#include "onecycle/schedules.h"

#include <cmath>

int main() {
  onecycle::OneCycle cycle;
  cycle.lr_max = 1;
  const auto schedule = onecycle::make_schedule(cycle, {});
  double highest = 0, momentum_there = 1;
  for (std::int64_t step = 0; step < 1000; ++step) {
    const onecycle::Hyper hyper = schedule->at(step, 1000);
    if (hyper.lr > highest) highest = hyper.lr, momentum_there = hyper.momentum;
  }
  const bool starts = std::abs(schedule->at(0, 1000).lr - 0.1) < 1e-12;
  return starts && std::abs(highest - 1) < 1e-12 && std::abs(momentum_there - 0.85) < 1e-12 ? 0 : 1;
}
