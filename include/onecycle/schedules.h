#pragma once

#include "onecycle/duration.h"
#include "onecycle/registry.h"
#include "onecycle/schedule.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

// The schedules, each as the struct that recipes' `schedule` fills. Learning rates that are empty
// are ScheduleContext::lr.
namespace onecycle {

// The way between two values.
enum class Shape { constant, linear, cosine, exponential };

// Steps before the schedule proper, which then has total - duration steps: the learning rate rises
// from a fraction of the schedule's first one to it; momentum waits at its first value.
struct Warmup {
  Duration duration{0, Duration::Unit::steps};
  double from = 0;
  Shape shape = Shape::linear;
};

// A quantity that follows a curve of its own; without `from` there is none, without `to` it is
// constant.
struct OwnCurve {
  std::optional<double> from = {};
  std::optional<double> to = {};
  Shape shape = Shape::linear;
};

// One cycle, up and down, then far below its start. What is unset the policy decides.
struct OneCycle {
  // smith        arXiv 1803.09820 and 1708.07120
  // smith_caffe  GitHub lnsmith54/hyperParam1, the code behind his logs
  // fastai       fastai.callback.schedule.fit_one_cycle
  // torch        torch.optim.lr_scheduler.OneCycleLR
  enum class Policy { smith, smith_caffe, fastai, torch };
  // The way between two rates.
  enum class Anneal { linear, cosine };

  Policy policy = Policy::smith;
  std::optional<double> lr_max = {};
  std::optional<double> lr_min = {};            // the first one (smith, smith_caffe)
  std::optional<double> div_factor = {};        // lr_max / the first one
  std::optional<double> final_div_factor = {};  // the first one / the last (fastai: lr_max / it)
  std::optional<Duration> stepsize = {};        // up, and down again (smith, smith_caffe)
  std::optional<double> pct_start = {};         // share of the run on the way up (fastai, torch)
  std::optional<Anneal> shape = {};             // of every phase (torch)
  std::optional<bool> three_phase = {};         // down as fast as up, then annihilate (torch)
  std::optional<bool> cycle_momentum = {};  // opposite to the rate; unset: where nobody names one
  std::optional<double> momentum_max = {};  // unset: 0.95
  std::optional<double> momentum_min = {};  // unset: 0.85
  OwnCurve weight_decay = {};
  Warmup warmup = {};
};

// Between two bounds, over and over: arXiv 1506.01186; torch.optim.lr_scheduler.CyclicLR.
struct Cyclical {
  // What becomes of the highest rate: it stays, halves each cycle, or shrinks by `gamma` a step.
  enum class Mode { triangular, triangular2, exp_range };

  std::optional<double> lr_max = {};
  std::optional<double> lr_min = {};  // unset: lr_max / 10
  Mode mode = Mode::triangular;
  std::optional<double> gamma = {};  // a step, of exp_range; unset: 0.99994, the paper's
  Duration step_up{2, Duration::Unit::epochs};
  std::optional<Duration> step_down = {};   // unset: step_up
  std::optional<bool> cycle_momentum = {};  // opposite to the rate; unset: where nobody names one
  std::optional<double> momentum_max = {};  // unset: 0.95
  std::optional<double> momentum_min = {};  // unset: 0.85
  OwnCurve weight_decay = {};
  Warmup warmup = {};
};

// One rate throughout.
struct Constant {
  std::optional<double> lr = {};
  OwnCurve momentum = {};
  OwnCurve weight_decay = {};
  Warmup warmup = {};
};

// From one rate to another: a learning-rate range test, straight or by an equal factor a step.
struct Ramp {
  Shape shape = Shape::linear;
  double lr_from = 0;
  double lr_to = 0;
  std::optional<Duration> duration = {};  // unset: the run's
  OwnCurve momentum = {};
  OwnCurve weight_decay = {};
  Warmup warmup = {};
};

// torch.optim.lr_scheduler.MultiStepLR.
struct Multistep {
  std::optional<double> lr = {};
  std::vector<Duration> milestones = {};
  double gamma = 0.1;
  OwnCurve momentum = {};
  OwnCurve weight_decay = {};
  Warmup warmup = {};
};

// SGDR, arXiv 1608.03983; with `cycle` torch.optim.lr_scheduler.CosineAnnealingWarmRestarts.
struct Cosine {
  std::optional<double> lr_max = {};
  double lr_min = 0;
  std::optional<Duration> cycle = {};  // T_0; unset: no restart
  std::int64_t cycle_factor = 1;       // T_mult
  OwnCurve momentum = {};
  OwnCurve weight_decay = {};
  Warmup warmup = {};
};

// One piece of a curve; its length is a duration, a fraction of the run, or what is left of it.
struct Segment {
  std::optional<Duration> duration = {};
  std::optional<double> fraction = {};
  std::optional<double> from = {};  // unset: where the one before it ends
  std::optional<double> to = {};    // unset: as `from`
  Shape shape = Shape::linear;
};

// Curves of one's own; an empty one is the context's constant.
struct Segments {
  std::vector<Segment> lr = {};
  std::vector<Segment> momentum = {};
  std::vector<Segment> weight_decay = {};
  Warmup warmup = {};
};

// Throw FieldError where a quantity is named by both the context and the schedule, or the learning
// rate by neither.
std::unique_ptr<Schedule> make_schedule(const OneCycle& options, const ScheduleContext& context);
std::unique_ptr<Schedule> make_schedule(const Cyclical& options, const ScheduleContext& context);
std::unique_ptr<Schedule> make_schedule(const Constant& options, const ScheduleContext& context);
std::unique_ptr<Schedule> make_schedule(const Ramp& options, const ScheduleContext& context);
std::unique_ptr<Schedule> make_schedule(const Multistep& options, const ScheduleContext& context);
std::unique_ptr<Schedule> make_schedule(const Cosine& options, const ScheduleContext& context);
std::unique_ptr<Schedule> make_schedule(const Segments& options, const ScheduleContext& context);

// The schedules that recipes may name.
using ScheduleRegistry = Registry<std::unique_ptr<Schedule>(const ScheduleContext&)>;

// one_cycle, cyclical, constant, linear, exponential, multistep, cosine and segments, each with an
// optional warm-up before it and a weight decay that may follow a curve.
ScheduleRegistry builtin_schedules();

}  // namespace onecycle
