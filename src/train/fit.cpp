#include "train/fit.h"

#include "onecycle/device_settings.h"
#include "onecycle/error.h"
#include "onecycle/trainer.h"

#include "core/files/mapped_file.h"
#include "core/rng.h"
#include "core/text/format.h"
#include "core/text/printable.h"
#include "nn/layers/sync_batch_norm.h"
#include "nn/random_state.h"
#include "train/memory.h"
#include "train/run_plan.h"
#include "train/step/forward.h"

#include <algorithm>

#include <ATen/Context.h>
#include <c10/core/DeviceGuard.h>

namespace onecycle {

namespace {

// Of the loss in fp16: below it no factor on the loss can be what makes gradients infinite.
constexpr float kSmallestScale = 1.0f / (1 << 24);

// The operation, of an error that says that there is none in fp16.
std::optional<std::string> missing_in_half(const std::exception& error) {
  const std::string line = first_line(error.what());
  if (line.find("not implemented for 'Half'") == std::string::npos) return std::nullopt;
  return line;
}

// ATen's own draws (dropout and the like) depend on the seed, the rank and the step alone.
void seed_step(std::uint64_t seed, std::int64_t rank, std::int64_t step) {
  at::manual_seed(random_words(seed, RandomUse::step, static_cast<std::uint32_t>(rank),
                               static_cast<std::uint64_t>(step))
                      .low());
}

}  // namespace

Fit::Fit(const Run& run, const std::vector<Observer*>& observers, StopSignal& stop,
         CheckpointStore* store)
    : run_(run),
      observers_(observers),
      stop_(stop),
      store_(store),
      step_(
          run, [this](const std::string& why) { notice(Notice::Kind::warning, why); },
          [this] { queue_averages(); }),
      agreement_(*run.group) {
  const FitOptions& options = run.options;
  if (options.ema_decay) average_.emplace(*run.parameters, *options.ema_decay);
  if (options.lookahead.every)
    lookahead_.emplace(*run.parameters, options.lookahead, run.steps.total_steps);
  if (options.evaluation_graph == GraphChoice::on)
    evaluation_graph_.emplace(
        run, EvaluationGraph::Calls{
                 [this] { return step_.recorder_beside(); },
                 [this](const std::string& why) { notice(Notice::Kind::warning, why); }});
}

RunEnd Fit::fit() {
  tell(&Observer::on_run_begin,
       RunBegin{state_.steps, run_.steps.total_steps, run_.steps.steps_per_epoch,
                run_.steps.total_batch, run_.rule.lr_max, run_.validation != nullptr,
                run_.test != nullptr, run_.task->metrics(), run_.task->guessing_loss(),
                run_.task->loss_may_be_negative(), run_.options.evaluate_every,
                run_.options.test_every, run_.validation ? run_.validation->size() : 0,
                run_.test ? run_.test->size() : 0});
  run_.model->train();
  if (!resumed_from_.empty()) {
    for (Observer* observer : observers_)
      observer->restore(state_.observers[observer->name()], state_.steps);
    notice(Notice::Kind::resumed, format("going on from {}", resumed_from_));
  } else if (run_.options.retries > 0) {
    try_to_save();  // a run that diverges before its first checkpoint goes back to the start
  }
  try {
    share_weights();
    if (choose_rows()) {
      do {
        loop();
      } while (fall_back());
    }
  } catch (const std::exception& error) {
    stop_for(error);
  }
  return finish();
}

void Fit::loop() {
  if (state_.evaluation_due) evaluate_now(state_.steps - 1);
  settle();
  while (!at_end() && !agreement_.stops()) {
    const std::int64_t step = state_.steps;
    train_step(step);
    const bool tests = at_end() || due(run_.options.test_every);
    const bool evaluates = tests || due(run_.options.evaluate_every);
    const bool logs = evaluates || due(run_.options.log_every);
    if (logs) log(step);
    if (logs || agreement_.due(state_.steps)) settle();
    // A run that is to stop does so at once, but for its last evaluation.
    if (evaluates && agreement_.stops() && !(at_end() && stop_.reason() != StopReason::diverged)) {
      state_.evaluation_due = true;
    } else if (evaluates) {
      evaluate_now(step);
      settle();
    }
    save_if_due();
  }
}

// A lack of memory, here or on another rank, ends the run; anything else is thrown on, and the
// other ranks are told.
void Fit::stop_for(const std::exception& error) {
  const auto* own = dynamic_cast<const c10::Error*>(&error);
  if (own != nullptr && is_out_of_memory(*own)) {
    const std::string why = format(
        "out of memory with {} samples a forward pass: lower data.batch_size{}",
        run_.steps.micro_batch,
        run_.steps.total_given
            ? format("; the total batch stays {}, in more passes", run_.steps.total_batch)
            : format(", and set data.total_batch_size: {} in place of train.accumulate to keep the "
                     "total batch",
                     run_.steps.total_batch));
    run_.group->abort({why, true});
    return stop_.request(StopReason::out_of_memory, why);
  }
  const auto failure = run_.group->failure(error);
  if (failure && !failure->out_of_memory) throw DistError(failure->why);
  if (failure) return stop_.request(StopReason::out_of_memory, failure->why);
  run_.group->abort({error.what()});
  if (const auto missing = missing_in_half(error); missing && run_.compute.dtype == at::kHalf)
    throw FieldError(
        "train.precision",
        format(
            "fp16: this network needs an operation that LibTorch lacks here ({}); use bf16 or fp32",
            *missing));
  if (is_one_value(error)) throw OneValueError();
  if (const auto operation = operation_not_deterministic(error))
    throw FieldError("train.deterministic", not_deterministic_text(*operation));
  throw;
}

void Fit::train_step(std::int64_t step) {
  if (step % run_.steps.steps_per_epoch == 0)
    tell(&Observer::on_epoch_begin, EpochBegin{step / run_.steps.steps_per_epoch, step});
  if (const std::int64_t phase = run_.freezing.phase_of(step); phase != phase_) {
    if (phase_ >= 0) share_statistics();  // norms that freeze normalise by them from here on
    run_.freezing.apply(phase_ = phase, *run_.parameters);
    if (evaluation_graph_) evaluation_graph_->drop();  // its memory is that of the step's graph
    step_.weights_changed();
  }
  run_.group->at_step(step);
  const Hyper hyper = hyper_at(step);
  seed_step(run_.options.seed, run_.group->rank(), step);
  if (lookahead_) lookahead_->write(step + 1);
  if (average_) average_->write(step);
  step_.run(step, hyper);
  state_.steps = step + 1;
  tell(&Observer::on_batch_end, BatchEnd{step, hyper});
}

void Fit::queue_averages() {
  if (lookahead_) lookahead_->queue();
  if (average_) average_->queue();
}

void Fit::log(std::int64_t step) {
  MappedFile::check_all();
  const kernels::MetricSums sums = step_.read();
  const double now = seconds();
  if (sums.first_bad >= 0)
    return request_divergence(
        static_cast<std::int64_t>(sums.first_bad) / run_.steps.micro_batches(), "the loss is");
  if (step_.scale() && step_.scale()->scale < kSmallestScale)
    return request_divergence(step, "gradients at any loss scale are");
  LogPoint point;
  if (const auto& scale = step_.scale()) point.scaling = {scale->scale, scale->skipped};
  point.step = step;
  point.epoch = epochs(step + 1);
  point.hyper = hyper_at(step);
  point.lr_scale = state_.lr_scale;
  point.train = score_since(state_.logged, sums);
  point.samples_per_second =
      static_cast<double>(point.train.samples) / std::max(1e-9, now - logged_at_);
  state_.logged = sums;
  logged_at_ = now;
  tell(&Observer::on_log_point, point);
}

// `log` came just before: the sums of this step are read.
void Fit::evaluate_now(std::int64_t step) {
  const bool last = at_end();
  state_.evaluation_due = false;
  Evaluated event;
  event.step = step;
  event.epoch = epochs(step + 1);
  event.hyper = hyper_at(step);
  event.lr_scale = state_.lr_scale;
  event.train = score_since(state_.evaluated, state_.logged);
  event.train_seconds = seconds() - state_.evaluation_seconds;
  const Stopwatch evaluation;
  share_statistics();
  EvaluationGraph* const graph = evaluation_graph_ ? &*evaluation_graph_ : nullptr;
  const auto evaluate_all = [&] {
    if (run_.validation)
      event.validation =
          evaluate_by(run_, *run_.validation, last, graph,
                      run_.options.sample_losses ? &event.validation_losses : nullptr);
    if (run_.test && (last || due(run_.options.test_every)))
      event.test = evaluate_by(run_, *run_.test, last, graph, nullptr);
  };
  average_ ? average_->stand_in_for(evaluate_all) : evaluate_all();
  state_.evaluation_seconds += evaluation.seconds();
  event.seconds = logged_at_ = seconds();
  state_.evaluated = state_.logged;
  state_.train = event.train;
  state_.validation = event.validation;
  if (event.test) state_.test = event.test;
  if (event.validation) {
    state_.curve.push_back({event.epoch, event.hyper.lr, event.train.loss, event.validation->loss});
    event.verdict = verdict();
    const Goal goal = goal_of(run_.options.best_by_loss, run_.task->metrics());
    if (const auto better = improvement(*event.validation, goal, state_.best)) {
      state_.best = better;
      improved_ = true;
    }
  }
  tell(&Observer::on_evaluated, event);
}

RunEnd Fit::finish() {
  const bool out_of_memory = stop_.requested() && stop_.reason() == StopReason::out_of_memory;
  const bool diverged = agreement_.stops() && stop_.reason() == StopReason::diverged;
  if (store_ != nullptr && !out_of_memory && !diverged) {
    save_the_last();
    settle();  // the check before it may have found a divergence
  }
  RunEnd end;
  if (out_of_memory || agreement_.stops()) {
    end.reason = stop_.reason();
    end.message = stop_.message();
  }
  end.steps = state_.steps;
  end.train = state_.train;
  end.validation = state_.validation;
  end.test = state_.test;
  if (!state_.curve.empty()) end.verdict = verdict();
  if (end.reason == StopReason::diverged)
    end.verdict = Verdict{Judgement::diverging, "diverging: " + end.message};
  end.seconds = seconds();
  end.train_seconds = end.seconds - state_.evaluation_seconds;
  tell(&Observer::on_run_end, end);
  return end;
}

Score Fit::score_since(const kernels::MetricSums& before, const kernels::MetricSums& now) const {
  return score_between(before, now, *run_.task);
}

Verdict Fit::verdict() const {
  return judge(state_.curve, run_.rule.lr_max * state_.lr_scale, run_.task->loss_may_be_negative(),
               run_.task->guessing_loss());
}

Hyper Fit::hyper_at(std::int64_t step) const {
  Hyper hyper = run_.schedule->at(step, run_.steps.total_steps);
  hyper.lr *= state_.lr_scale;
  return hyper;
}

double Fit::epochs(std::int64_t steps) const {
  return static_cast<double>(steps) / static_cast<double>(run_.steps.steps_per_epoch);
}

void Fit::request_divergence(std::int64_t step, const std::string& what) {
  stop_.request(StopReason::diverged,
                format("{} not finite at step {} (epoch {:.2f}), where the learning rate was "
                       "{:.4g}; lower the learning rate",
                       what, step + 1, epochs(step + 1), hyper_at(step).lr));
}

void Fit::notice(Notice::Kind kind, const std::string& message) {
  tell(&Observer::on_notice, Notice{kind, state_.steps, epochs(state_.steps), message});
}

void Trainer::resume(const Snapshot& snapshot, const std::string& source) {
  start_ = snapshot;
  start_source_ = source;
}

RunEnd Trainer::fit() {
  struct Withdrawal {
    StopSignal& stop;
    ~Withdrawal() { stop.withdraw(); }
  } const withdrawal{stop_};
  check_whole_groups(run_);
  const c10::DeviceGuard device(run_.compute.device);  // kernels are given its stream alone
  return with_random_state_kept([&] {                  // every step seeds the generators
    Fit fit(run_, observers_, stop_, store_);
    if (start_) fit.resume(*start_, start_source_);
    start_.reset();
    return fit.fit();
  });
}

}  // namespace onecycle
