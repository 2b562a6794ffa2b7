#include "onecycle/trainer.h"

#include "core/format.h"
#include "core/rng.h"
#include "train/memory.h"
#include "train/step.h"

#include <chrono>
#include <cmath>

#include <ATen/Context.h>

namespace onecycle {

namespace {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

LoaderOptions training_loader(const Run& run) {
  LoaderOptions options;
  options.device = run.compute.device;
  options.dtype = run.compute.dtype;
  options.memory_format = run.compute.memory_format;
  options.batch_size = run.steps.total_batch;
  options.mean = run.data.mean;
  options.std = run.data.std;
  options.augment = run.recipe.data.augment;
  options.seed = static_cast<std::uint64_t>(run.recipe.seed);
  return options;
}

// ATen's own draws (dropout and the like) depend on the seed and the step alone.
void seed_step(std::uint64_t seed, std::int64_t step) {
  at::manual_seed(random_words(seed, RandomUse::step, 0, static_cast<std::uint64_t>(step)).low());
}

// The state of one call of fit().
class Fit {
 public:
  Fit(Run& run, const std::vector<Observer*>& observers, StopSignal& stop)
      : run_(run),
        observers_(observers),
        stop_(stop),
        loader_(run.data.train, training_loader(run)),
        step_(run),
        log_every_(run.recipe.train.log_every),
        evaluate_every_(run.recipe.train.evaluate_every.steps(run.steps.steps_per_epoch)) {}

  RunEnd fit() {
    tell_begin();
    run_.model->train();
    try {
      loop();
    } catch (const c10::Error& error) {
      if (!is_out_of_memory(error)) throw;
      stop_.request(StopReason::out_of_memory,
                    format("out of memory with {} samples a step: lower data.batch_size",
                           run_.steps.total_batch));
    }
    return finish();
  }

 private:
  Hyper hyper_at(std::int64_t step) const {
    return run_.schedule->at(step, run_.steps.total_steps);
  }
  double epochs(std::int64_t steps) const {
    return static_cast<double>(steps) / static_cast<double>(run_.steps.steps_per_epoch);
  }
  template <class Event>
  void tell(void (Observer::*method)(const Event&), const Event& event) {
    for (Observer* observer : observers_) (observer->*method)(event);
  }
  template <class Event>
  void tell(void (Observer::*method)(const Event&, StopSignal&), const Event& event) {
    for (Observer* observer : observers_) (observer->*method)(event, stop_);
  }

  void tell_begin() {
    tell(&Observer::on_run_begin,
         RunBegin{run_.steps.total_steps, run_.steps.steps_per_epoch, run_.steps.total_batch,
                  run_.data.validation.size() > 0, run_.data.test.size() > 0});
  }

  void loop() {
    for (; next_ < run_.steps.total_steps && !stop_.requested(); ++next_) {
      const std::int64_t epoch = next_ / run_.steps.steps_per_epoch;
      const std::int64_t in_epoch = next_ % run_.steps.steps_per_epoch;
      if (in_epoch == 0) tell(&Observer::on_epoch_begin, EpochBegin{epoch, next_});
      const Hyper hyper = hyper_at(next_);
      seed_step(static_cast<std::uint64_t>(run_.recipe.seed), next_);
      step_.run(loader_.train_batch(epoch, in_epoch), hyper);
      tell(&Observer::on_batch_end, BatchEnd{next_, hyper});

      const bool last = next_ + 1 == run_.steps.total_steps;
      const bool evaluates = last || (next_ + 1) % evaluate_every_ == 0;
      if (evaluates || (next_ + 1) % log_every_ == 0) log(hyper);
      if (evaluates && !stop_.requested()) evaluate_now(hyper, last);
    }
  }

  void log(const Hyper& hyper) {
    const kernels::MetricSums sums = step_.read();
    const double now = watch_.seconds();
    if (sums.first_bad >= 0) {
      const double lr = hyper_at(sums.first_bad).lr;
      stop_.request(StopReason::diverged,
                    format("the loss is not finite at step {} (epoch {:.2f}), where the learning "
                           "rate was {:.4g}; lower the learning rate",
                           sums.first_bad, epochs(sums.first_bad), lr));
      return;
    }
    LogPoint point;
    point.step = next_;
    point.epoch = epochs(next_ + 1);
    point.hyper = hyper;
    point.train = score_between(logged_, sums);
    point.samples_per_second =
        static_cast<double>(point.train.samples) / std::max(1e-9, now - logged_at_);
    logged_ = sums;
    logged_at_ = now;
    tell(&Observer::on_log_point, point);
  }

  // `log` came just before: the sums of this step are read.
  void evaluate_now(const Hyper& hyper, bool last) {
    Evaluated event;
    event.step = next_;
    event.epoch = epochs(next_ + 1);
    event.hyper = hyper;
    event.train = score_between(evaluated_, logged_);
    event.train_seconds = watch_.seconds() - evaluation_seconds_;
    const Stopwatch evaluation;
    if (run_.data.validation.size() > 0)
      event.validation = evaluate(run_, run_.data.validation, last);
    if (run_.data.test.size() > 0) event.test = evaluate(run_, run_.data.test, last);
    evaluation_seconds_ += evaluation.seconds();
    event.seconds = watch_.seconds();
    logged_at_ = event.seconds;
    evaluated_ = logged_;
    end_.train = event.train;
    end_.validation = event.validation;
    end_.test = event.test;
    tell(&Observer::on_evaluated, event);
  }

  RunEnd finish() {
    end_.steps = next_;
    if (stop_.requested()) {
      end_.reason = stop_.reason();
      end_.message = stop_.message();
    }
    end_.seconds = watch_.seconds();
    end_.train_seconds = end_.seconds - evaluation_seconds_;
    tell(&Observer::on_run_end, end_);
    return end_;
  }

  Run& run_;
  const std::vector<Observer*>& observers_;
  StopSignal& stop_;
  Loader loader_;
  Step step_;
  std::int64_t log_every_;
  std::int64_t evaluate_every_;

  std::int64_t next_ = 0;          // the step under way
  kernels::MetricSums logged_;     // as of the last log point
  kernels::MetricSums evaluated_;  // as of the last evaluation
  Stopwatch watch_;
  double logged_at_ = 0;
  double evaluation_seconds_ = 0;
  RunEnd end_;
};

}  // namespace

RunEnd Trainer::fit() { return Fit(run_, observers_, stop_).fit(); }

}  // namespace onecycle
