#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace onecycle {

// The three hyper-parameters that a step reads. For AdamW, momentum is beta1. Weight decay is in
// the unit of the optimizer's weight_decay_mode.
struct Hyper {
  double lr = 0;
  double momentum = 0;
  double weight_decay = 0;

  bool operator==(const Hyper&) const = default;
};

// A pure function of progress: it holds no state, so that resume, skipped steps and early extension
// cannot desynchronise it.
class Schedule {
 public:
  virtual ~Schedule() = default;
  // Hyper-parameters of attempted step `step` (0-based) of a run of `total` steps; defined, and
  // within the schedule's own bounds, for every step >= 0, `step >= total` included.
  virtual Hyper at(std::int64_t step, std::int64_t total) const = 0;
};

// What a schedule needs to know of the run it is made for.
struct ScheduleContext {
  std::int64_t steps_per_epoch = 1;
  // The optimizer's constants; empty where the recipe names none. A schedule that names no learning
  // rate takes `lr` as its highest, and one that would move momentum holds a named one still.
  // Without any name momentum is 0.9 (or the schedule's own cycle), and weight decay 0.
  std::optional<double> lr = {};
  std::optional<double> momentum = {};
  std::optional<double> weight_decay = {};
};

// Makes a schedule for a run.
using MakeSchedule = std::function<std::unique_ptr<Schedule>(const ScheduleContext&)>;

// How a schedule goes on beyond the length it was planned for.
enum class Extend {
  stretch,    // as if the new length had been planned from the start; the rate jumps
  hold,       // the last values stay
  new_cycle,  // the whole schedule once more over the added steps
};

// A run was made longer.
struct Extension {
  std::int64_t from = 0;  // the length planned before, steps
  Extend how = Extend::hold;
};

// `base` under extensions, the earliest first; itself where there are none.
std::unique_ptr<Schedule> extended(std::unique_ptr<Schedule> base,
                                   const std::vector<Extension>& extensions);

// The highest learning rate of a run of `total` steps: what the decay mode `independent` divides
// by. It looks at every step, or at samples of a run of 65,536 and more: ask once a run.
double peak_lr(const Schedule& schedule, std::int64_t total);

}  // namespace onecycle
