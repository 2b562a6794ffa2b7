#pragma once

#include "onecycle/trainer.h"

#include "train/step/sums.h"

#include <functional>
#include <vector>

namespace onecycle {

class EvaluationGraph;

// Samples [first, last) of a set.
struct RankPart {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

// Those that a rank evaluates; the parts of the ranks follow one another and make the whole.
RankPart part_of(const Group& group, std::int64_t samples);

// Gives every sample of this rank's part of the source once, in order, to `take`, in batches whose
// last one is padded; the parts of the ranks follow one another and make the whole. The model
// is in evaluation mode meanwhile, without gradients, in full precision where that is asked for,
// else in the run's.
void forward_all(const Run& run, Source& samples, bool full_precision,
                 const std::function<void(const Batch&)>& take);
// The same for the samples with these numbers in the source, [N], int64: `take` is given each batch
// and its samples' numbers, on the run's device.
void forward_chosen(const Run& run, Source& samples, const at::Tensor& chosen, bool full_precision,
                    const std::function<void(const Batch&, const at::Tensor&)>& take);

// The score of the samples that ranks give it, each their part of a set.
class Evaluation {
 public:
  explicit Evaluation(const Run& run) : run_(run), sums_(run.compute.device) {}

  // outputs in fp32. Keeps on the host what the task wants kept of each sample.
  void add(const at::Tensor& outputs, const Batch& batch);
  // Of all ranks. Collective; waits for the device.
  Score score();

 private:
  const Run& run_;
  Sums sums_;
  std::vector<at::Tensor> kept_;
};

// evaluate() of trainer.h, its passes made by `graph` but for those with masters in place of narrow
// weights. `graph` and `losses` may be null.
Score evaluate_by(const Run& run, Source& samples, bool full_precision, EvaluationGraph* graph,
                  std::vector<float>* losses);

// The rows of all ranks, in their order, on the host of each: [N, columns], in their dtype. `own`
// may be on a device, and a rank may have none; where no rank has any: undefined. Collective.
at::Tensor all_rows(Group& group, const std::vector<at::Tensor>& own);

}  // namespace onecycle
