#pragma once

#include "onecycle/experiment.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// Batch sizes: the largest that fits, the fastest, and what to train with. "Batch" is
// `data.batch_size`; the total batch of a step is that times `train.accumulate`, or
// `data.total_batch_size`, which accumulation follows.
namespace onecycle {

// ---- Searching and choosing: pure functions ----------------------------------------------------

// What a few real training steps with one batch came to.
struct BatchProbe {
  std::int64_t batch = 0;
  bool fits = false;
  double samples_per_second = 0;  // median over steps, warm-up left out
  std::int64_t peak_bytes = 0;    // resident, of tensors, or taken from the GPU; 0: not known
  std::string why;                // it does not fit
};

// A batch in [1, most] that fits, where the next larger one that does not is at most 8 or 5 % away;
// `most` where that fits, 0 where 1 does not. Doubles from 8 and then bisects in multiples of 8.
// `fits` is asked once a size, and taken to be monotone.
// `unit`: of which every size is a multiple, as model.bn_batch wants it: the smallest is one unit,
// `most` is lowered to whole ones (0: nothing is asked), and the least number of them that makes 8
// or more stands for the 8.
std::int64_t find_largest_batch(std::int64_t most, const std::function<bool(std::int64_t)>& fits,
                                std::int64_t unit = 1);

// What decided the batch to train with.
enum class BatchBound {
  throughput,       // a larger one brings less than 5 % more samples a second
  limit,            // the fastest is the largest probed that fits
  total,            // the largest equal part of a given total batch that fits
  steps_per_epoch,  // a larger one would leave fewer than kFewestSteps steps an epoch
};

// Steps an epoch that a chosen batch leaves at least.
inline constexpr std::int64_t kFewestSteps = 50;

// The batches that probes speak for.
struct BatchChoice {
  std::int64_t largest = 0;       // that fits; 0: none
  std::int64_t fastest = 0;       // the smallest within 5 % of best_rate
  double best_rate = 0;           // samples a second
  std::int64_t chosen = 0;        // `fastest`, lowered to a multiple of 8 for kFewestSteps an epoch
  std::int64_t chosen_steps = 0;  // an epoch
  BatchBound bound = BatchBound::throughput;
};
// `accumulate`: batches a step. `unit`: as of find_largest_batch, also for what is chosen, which is
// at least the smallest that fits. It may be a size between those tried, to be tried before it is
// taken (choose_tried); one that was tried and does not fit is not chosen.
BatchChoice choose_batch(const std::vector<BatchProbe>& probes, std::int64_t num_train,
                         std::int64_t accumulate, std::int64_t unit = 1);
// Where the total batch is given: `chosen` is what the fewest equal passes of each of the `ranks`
// that fit take, and the passes follow; `largest` where no equal ones do, which a run refuses.
BatchChoice choose_share(const std::vector<BatchProbe>& probes, std::int64_t num_train,
                         std::int64_t total, std::int64_t ranks, std::int64_t unit = 1);
// A choice that was itself tried. `choose`: among `probes`, as they are by then. `try_size` adds
// the probe of a size to them.
BatchChoice choose_tried(const std::vector<BatchProbe>& probes,
                         const std::function<BatchChoice()>& choose,
                         const std::function<void(std::int64_t)>& try_size);

// ---- The learning rate when the total batch changes --------------------------------------------

// What becomes of a learning rate.
enum class LrRule {
  none,    // as it is: run the range test again
  linear,  // times the ratio of total batches: Goyal et al. 2017, arXiv 1706.02677
  sqrt,    // times its square root: Krizhevsky 2014, arXiv 1404.5997
};

// What the rule multiplies a rate by where the total batch goes from `before` to `after`.
double lr_factor(LrRule rule, std::int64_t before, std::int64_t after);
// Rule and numbers in one sentence.
std::string lr_rule_text(LrRule rule, std::int64_t before, std::int64_t after);

// ---- Running -----------------------------------------------------------------------------------

// Trains a few steps of the run, with evaluations of the sizes that a whole one makes, a change of
// epoch and the copy that a checkpoint takes, then times more. The learning rate is next to 0.
// Throws Error, std::bad_alloc or what LibTorch throws: whether that is a lack of memory, the
// caller has to judge. Meant for a process of its own.
BatchProbe probe_batch(const Run& run);

// Where fit_batch() looks for a batch.
struct BatchFitOptions {
  std::optional<std::int64_t> most = {};  // samples of one forward pass; empty: all there are
  // Bytes of memory, the GPU's where the experiment is on one, that steps, evaluations and
  // checkpoints may take beyond the module, the optimizer's state and the samples; empty: what is
  // available, shared by the ranks of the machine, less a tenth.
  std::optional<std::int64_t> limit_bytes = {};
};

// The batch that fit_batch() found, and all that it rests on.
struct BatchFit {
  BatchChoice choice;  // of those probes
  std::vector<BatchProbe>
      probes;                    // in the order tried; their peaks are beyond the same as the limit
  std::int64_t limit_bytes = 0;  // of each
  std::string refused;           // not even one fits, or "interrupted"; empty otherwise
};

// The batch_size for an experiment, fitted to memory and speed by real training steps: what
// `onecycle fit-batch` does, in this process. The experiment's own batch_size is not looked at
// (with a `total_batch_size` the Experiment is only made where one of that size can be shared); its
// `accumulate` or `total_batch_size` and its ranks stand, each rank tries for itself, and what fits
// must fit on all. With model.bn_batch every size is whole groups.
//
// On the CPU, where a lack of memory may end the process, tensors are counted, and a batch that is
// expected to take more than the limit by those tried before is not tried; what a module allocates
// other than as tensors goes uncounted. On a GPU what LibTorch takes from it counts, and its cache
// is given back between the sizes.
//
// Weights, buffers, gradients, modes and the generators of all devices are bit-identical
// afterwards. experiment.stop() ends it, with the choice among what was tried. Throws Error where
// an option is below 1, no group of model.bn_batch is allowed or LibTorch's profiler is at work on
// this thread, and what a training throws.
BatchFit fit_batch(Experiment& experiment, const OptimizerPlan& optimizer,
                   const BatchFitOptions& options = {});
template <class O>
BatchFit fit_batch(Experiment& experiment, const O& optimizer,
                   const BatchFitOptions& options = {}) {
  return fit_batch(experiment, plan_of(optimizer), options);
}

// What training with a batch came to.
struct BatchTrial {
  std::int64_t batch = 0;
  double lr_max = 0;
  std::int64_t steps = 0;            // taken
  std::int64_t planned = 0;          // steps of the schedule; more than taken: it was cut short
  double seconds = 0;                // of training, without evaluations
  std::optional<double> validation;  // the task's first metric
  std::optional<double> test;        // reported alone
  std::string failure;               // why there is no result: diverged, out of memory; or empty
};

// Trains the run to its end, or until `seconds` of training have passed.
BatchTrial train_trial(const Run& run, std::optional<double> seconds,
                       const std::vector<Observer*>& observers);

}  // namespace onecycle
