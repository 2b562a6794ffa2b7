#include "observe/time_left.h"

#include <algorithm>
#include <numeric>

namespace onecycle {

namespace {

constexpr double kForwardShare = 1.0 / 3;  // of a training step; its backward pass is two

// Multiples of `every` above `done`, up to `total`, which is one whatever `every` is; `every` 0: it
// alone.
std::int64_t ends_between(std::int64_t done, std::int64_t total, std::int64_t every) {
  if (done >= total) return 0;
  if (every <= 0) return 1;
  return total / every - done / every + (total % every == 0 ? 0 : 1);
}

}  // namespace

void TimeLeft::begin(const RunBegin& run, double now) {
  *this = {};
  run_ = run;
  latest_ = {run.first_step, now, 0};
}

void TimeLeft::restart(std::int64_t steps, double now) {
  latest_ = {steps, now, evaluating_};
  first_step_.reset();
  first_log_.reset();
  last_log_.reset();
}

void TimeLeft::stepped(std::int64_t steps, double now) {
  latest_ = {steps, now, evaluating_};
  if (!first_step_) first_step_ = latest_;
}

void TimeLeft::logged(std::int64_t steps, double now) {
  latest_ = {steps, now, evaluating_};
  if (!first_log_) first_log_ = latest_;
  last_log_ = latest_;
}

void TimeLeft::evaluated(bool with_test, double now) {
  const double took = std::max(0.0, now - latest_.now);
  if (++evaluations_ == 2) evaluating_counted_ = 0, samples_counted_ = 0;
  evaluated_at_ = latest_.steps;
  evaluating_ += took;
  evaluating_counted_ += took;
  samples_counted_ += samples_evaluated(with_test);
  latest_.now = now;
  latest_.evaluating = evaluating_;
}

std::optional<double> TimeLeft::seconds() const {
  auto step = seconds_a_step(first_log_, last_log_);
  if (!step) step = seconds_a_step(first_step_, latest_);
  if (!step) return std::nullopt;
  const auto batch = static_cast<double>(std::max<std::int64_t>(1, run_.total_batch));
  const double sample = samples_counted_ > 0
                            ? evaluating_counted_ / static_cast<double>(samples_counted_)
                            : kForwardShare * *step / batch;
  return *step * static_cast<double>(run_.total_steps - latest_.steps) +
         sample * static_cast<double>(samples_to_evaluate());
}

std::optional<double> TimeLeft::seconds_a_step(const std::optional<Moment>& from,
                                               const std::optional<Moment>& to) {
  if (!from || !to || to->steps <= from->steps) return std::nullopt;
  const double training = to->now - from->now - (to->evaluating - from->evaluating);
  return std::max(0.0, training) / static_cast<double>(to->steps - from->steps);
}

std::int64_t TimeLeft::samples_evaluated(bool with_test) const {
  return run_.validation_samples + (with_test ? run_.test_samples : 0);
}

std::int64_t TimeLeft::samples_to_evaluate() const {
  // One that is due now may be to come.
  const std::int64_t done = latest_.steps - (evaluated_at_ == latest_.steps ? 0 : 1);
  const std::int64_t total = run_.total_steps;
  const auto ends = [&](std::int64_t every) { return ends_between(done, total, every); };
  // The test part is never evaluated without the validation part.
  const std::int64_t every = std::min(run_.evaluate_every, total + 1);
  const std::int64_t test_every = std::min(run_.test_every, total + 1);
  std::int64_t validations = ends(every);
  if (every <= 0 || test_every <= 0)
    validations = std::max(validations, ends(test_every));
  else
    validations += ends(test_every) - ends(std::lcm(every, test_every));
  return validations * run_.validation_samples + ends(test_every) * run_.test_samples;
}

}  // namespace onecycle
