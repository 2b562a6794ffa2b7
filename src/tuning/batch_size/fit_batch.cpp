#include "onecycle/batch_fit.h"
#include "onecycle/error.h"
#include "onecycle/experiment.h"

#include "core/memory/host_memory.h"
#include "core/text/format.h"
#include "kernels/device_memory.h"
#include "network/input_format.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/sync_batch_norm.h"
#include "nn/random_state.h"
#include "train/memory.h"
#include "train/run_plan.h"
#include "train/state/kept_state.h"
#include "tuning/batch_size/batch_limit.h"
#include "tuning/batch_size/batch_probe.h"
#include "tuning/batch_size/tensor_memory.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <new>
#include <utility>

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceGuard.h>

namespace onecycle {

namespace {

constexpr double kRate = 1e-12;  // no untrained net diverges

struct Interrupted {};

// A run of the experiment in a process of its own, that stays where it trains the most weights.
Run probed_run(Experiment& experiment, OptimizerPlan optimizer) {
  optimizer.constants.lr.reset();
  Run run = experiment.run(optimizer, making(Constant{.lr = kRate}));
  const auto frozen_in = [&](std::int64_t phase) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < run.parameters->all().size(); ++i)
      count += run.freezing.frozen(i, phase) ? 1 : 0;
    return count;
  };
  std::int64_t best = 0;
  for (std::int64_t phase = 1; phase < run.freezing.phases(); ++phase)
    if (frozen_in(phase) < frozen_in(best)) best = phase;
  run.freezing = run.freezing.held(best);
  return run;
}

// What the steps took by the time of the first evaluation.
class StepMemory : public Observer {
 public:
  void on_batch_end(const BatchEnd& event) override {
    if (event.step < kStepsBeforeEvaluation) bytes_ = memory_.peak();
  }
  std::int64_t of_steps() const { return bytes_; }
  std::int64_t of_all() const { return memory_.peak(); }

 private:
  TensorMemory memory_;
  std::int64_t bytes_ = 0;
};

// Probes sizes in this process, which must outlive every one of them: on the CPU a size that is
// expected to take more than the limit is not tried.
class Probes {
 public:
  Probes(const Run& run, std::int64_t accumulate, Group& group, StopSignal& stop,
         std::optional<std::int64_t> limit_bytes)
      : run_(run), accumulate_(accumulate), group_(group), stop_(stop), kept_(run) {
    if (!on_gpu()) foresee();
    give_back_cache();
    fit_.limit_bytes = limit_bytes ? *limit_bytes : less_margin(available(), kMemoryMargin);
  }

  // Whether it fits on every rank. Throws Interrupted.
  bool fits(std::int64_t batch) {
    BatchProbe probe;
    bool interrupted = stop_.requested();
    try {
      if (!interrupted) probe = try_size(batch);
    } catch (const Interrupted&) {
      interrupted = true;
    } catch (const std::exception& error) {
      group_.abort({error.what()});
      throw;
    }
    if (!all_agree(group_, !interrupted)) throw Interrupted{};
    agree(group_, probe);
    fit_.probes.push_back(std::move(probe));
    return fit_.probes.back().fits;
  }

  const BatchFit& fit() const { return fit_; }  // so far, without the choice

  // The GPU's memory that no tensor uses.
  void give_back_cache() const {
    if (on_gpu()) c10::getDeviceAllocator(c10::kCUDA)->emptyCache();
  }

 private:
  bool on_gpu() const { return run_.compute.device.is_cuda(); }

  std::int64_t available() const {
    return on_gpu() ? kernels::free_device_memory(run_.compute.device.index())
                    : available_host_memory() / group_.local_size();
  }

  // What a sample's activations, with their gradients, and the weights' gradients will take.
  void foresee() {
    constexpr std::int64_t kGradientsToo = 2;
    run_.train->set_format(input_format(*run_.model, run_.compute));
    const ModelSummary one = with_random_state_kept(
        [&] { return summarise_on(*run_.model, run_.train->in_order(0, 1, 1).inputs); });
    sample_bytes_ = static_cast<double>(kGradientsToo * one.activation_bytes);
    for (const Parameter& parameter : run_.parameters->all())
      gradient_bytes_ += static_cast<double>(parameter.working.nbytes());
  }

  // On a line through the two largest sizes that were tried.
  double foreseen(std::int64_t batch) const {
    const auto beyond = [&](std::int64_t from) { return static_cast<double>(batch - from); };
    if (step_bytes_.empty()) return gradient_bytes_ + sample_bytes_ * beyond(0);
    const auto last = std::prev(step_bytes_.end());
    double slope = sample_bytes_;
    if (last != step_bytes_.begin()) {
      const auto before = std::prev(last);
      slope = std::max(
          0.0, (last->second - before->second) / static_cast<double>(last->first - before->first));
    }
    return last->second + slope * beyond(last->first);
  }

  BatchProbe try_size(std::int64_t batch) {
    BatchProbe probe;
    probe.batch = batch;
    if (!on_gpu() && foreseen(batch) > static_cast<double>(fit_.limit_bytes)) {
      probe.why = format("it would take about {}", bytes_text(std::llround(foreseen(batch))));
      return probe;
    }
    try {
      kept_.undo([&] { return measure(probe); });
    } catch (const std::bad_alloc&) {
      probe.why = "out of memory";
    } catch (const c10::Error& error) {
      if (!is_out_of_memory(error)) throw;
      probe.why = "out of memory";
    } catch (const OneValueError& error) {
      probe.why = error.what();
    }
    probe.fits = probe.why.empty();
    return probe;
  }

  // Returns whether all of it was measured.
  bool measure(BatchProbe& probe) {
    Run run = run_;
    run.steps = plan_steps({{.count = probe.batch}, accumulate_}, {1, Duration::Unit::steps},
                           run.train->size(), /*ranks=*/1);
    give_back_cache();
    const std::int64_t free = on_gpu() ? available() : 0;
    const ProbedSteps first = on_gpu() ? take_first_steps(run, stop_) : take_counted(run, probe);
    if (!went_well(probe, first, free)) return false;
    const ProbedSteps timed = time_steps(run, first.samples_per_second, stop_);
    probe.samples_per_second = timed.samples_per_second;
    return went_well(probe, timed, free);
  }

  ProbedSteps take_counted(const Run& run, BatchProbe& probe) {
    StepMemory memory;
    ProbedSteps first = take_first_steps(run, stop_, &memory);
    probe.peak_bytes = memory.of_all();
    if (first.end.reason == StopReason::finished)
      step_bytes_[probe.batch] = static_cast<double>(memory.of_steps());
    return first;
  }

  // `free`: of the GPU's memory, before the first half.
  bool went_well(BatchProbe& probe, const ProbedSteps& half, std::int64_t free) const {
    if (half.end.reason == StopReason::interrupted || half.end.reason == StopReason::early_stopped)
      throw Interrupted{};
    if (on_gpu()) probe.peak_bytes = std::max(probe.peak_bytes, free - available());
    probe.why = obstacle(half.end);
    if (probe.why.empty() && probe.peak_bytes > fit_.limit_bytes)
      probe.why = "it takes " + bytes_text(probe.peak_bytes);
    return probe.why.empty();
  }

  const Run& run_;
  std::int64_t accumulate_;
  Group& group_;
  StopSignal& stop_;
  KeptState kept_;
  BatchFit fit_;
  double sample_bytes_ = 0, gradient_bytes_ = 0;  // expected, on the CPU
  std::map<std::int64_t, double> step_bytes_;     // measured there, by batch
};

}  // namespace

BatchFit fit_batch(Experiment& experiment, const OptimizerPlan& optimizer,
                   const BatchFitOptions& options) {
  Run run = probed_run(experiment, optimizer);
  if (options.most.value_or(1) < 1 || options.limit_bytes.value_or(1) < 1)
    throw Error("fit_batch: the limits on batch and memory must be at least 1");
  // Each rank probes alone, as sizes that do not fit would end what the ranks do together.
  const std::shared_ptr<Group> group = std::exchange(run.group, alone());
  const StepPlan asked = run.steps;
  const std::int64_t accumulate = asked.total_given ? 1 : asked.micro_batches();
  const std::int64_t parts = group->size() * accumulate;
  const std::int64_t samples = (asked.total_given ? asked.total_batch : run.train->size()) / parts;
  const std::int64_t most = std::min(samples, options.most.value_or(samples));
  const std::int64_t unit = pass_unit(*run.model);
  require_a_size(most, unit);
  const c10::DeviceGuard device(run.compute.device);
  Probes probes(run, accumulate, *group, experiment.stop(), options.limit_bytes);
  const auto choose = [&] {
    const std::vector<BatchProbe>& tried = probes.fit().probes;
    return asked.total_given
               ? choose_share(tried, run.train->size(), asked.total_batch, group->size(), unit)
               : choose_batch(tried, run.train->size(), parts, unit);
  };
  std::string refused;
  try {
    const std::int64_t largest = find_largest_batch(
        most, [&](std::int64_t batch) { return probes.fits(batch); }, unit);
    if (largest == 0)
      refused = nothing_fits(unit, probes.fit().limit_bytes, probes.fit().probes.back().why);
    choose_tried(probes.fit().probes, choose, [&](std::int64_t batch) { probes.fits(batch); });
  } catch (const Interrupted&) {
    refused = "interrupted";
  }
  probes.give_back_cache();
  experiment.stop().withdraw();
  BatchFit fit = probes.fit();
  fit.refused = refused;
  fit.choice = choose();
  return fit;
}

}  // namespace onecycle
