#pragma once

#include "onecycle/group.h"

#include <cstdint>
#include <optional>

namespace onecycle {

// Whether a step, or an evaluation's pass over a batch, becomes one CUDA graph (docs/gpu.md).
enum class GraphChoice { automatic, on, off };

// Views of an image whose logits are averaged.
enum class TestTimeAugmentation {
  none,
  flip,        // the image and its mirror image
  flip_shift,  // those with half the weight, and both moved by one pixel to the upper left and to
               // the lower right, the edges reflected, with a quarter each
};

// Lookahead: every so many steps the weights go to a mean of themselves and of those kept last.
struct LookaheadOptions {
  std::optional<std::int64_t> every = {};  // steps; empty: off
  double keep = 0.5;                       // share of the kept weights at the end of the run
  double power = 0;                        // at t of T steps it is keep (t / T)^power
};

// The steps of a run over `num_train` samples.
struct StepPlan {
  std::int64_t total_batch = 0;  // samples a step, of all ranks together
  std::int64_t micro_batch = 0;  // samples of one forward pass of one rank, at most
  std::int64_t ranks = 1;
  std::int64_t steps_per_epoch = 0;  // whole batches: an epoch leaves out the remainder
  std::int64_t total_steps = 0;
  bool total_given = false;  // total_batch was asked for, and micro_batch follows from it
  // Samples of which a step takes those that a proxy chose, `total_batch`; 0: it takes all.
  std::int64_t read_batch = 0;

  // Forward passes of a step, on each rank.
  std::int64_t micro_batches() const {
    return (total_batch + micro_batch * ranks - 1) / (micro_batch * ranks);
  }
};

// What the loop is told beside the parts that it works on. What ends in `every` are steps between
// two.
struct FitOptions {
  std::uint64_t seed = 1;  // of all that is drawn
  std::int64_t log_every = 25;
  std::int64_t evaluate_every = 1;       // of the validation part; the last step is one, too
  std::int64_t test_every = 1;           // of the test part
  std::int64_t checkpoint_every = 1;     // where there is a store for them
  std::optional<double> grad_clip = {};  // largest norm of all gradients together
  std::optional<double> ema_decay = {};  // of the weights that are evaluated; empty: no average
  LookaheadOptions lookahead = {};
  TestTimeAugmentation tta = TestTimeAugmentation::none;  // in evaluations
  double tta_share = 1;  // of the samples, the least sure ones, have those views: PredictOptions
  GraphChoice graph = GraphChoice::automatic;
  // The evaluations' passes beside it; automatic: not until docs/gpu.md names a GPU that gains.
  GraphChoice evaluation_graph = GraphChoice::automatic;
  GradientFormat gradient_format = GradientFormat::as_computed;  // between the ranks
  bool sample_losses = false;  // evaluations say the loss of each sample of the validation part
  bool best_by_loss = false;   // the best checkpoint: by the validation part's loss, not its metric
  std::int64_t retries = 0;    // after a divergence, each from the last checkpoint
  double retry_lr_scale = 0.5;  // on the learning rate from there on, again at each retry
};

}  // namespace onecycle
