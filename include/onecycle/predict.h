#pragma once

#include "onecycle/trainer.h"

#include <cstdint>
#include <functional>

namespace onecycle {

// How predict() goes about it.
struct PredictOptions {
  TestTimeAugmentation augmentation = TestTimeAugmentation::none;
  // Share of the samples that have all views, for tasks of classes: those of the whole set,
  // whatever the batches and ranks, whose first class leads the second by the least probability in
  // the image alone, of equal ones the first. The others keep the logits of the image. In (0, 1];
  // 1: all have them.
  double share = 1;
  bool full_precision = false;
  // Told the samples done so far after each batch; may be empty.
  std::function<void(std::int64_t done)> progress;
};

// What a run's model makes of a set.
struct Prediction {
  Score score;  // by the set's targets
  // [N, classes, labels or values], on the CPU: what the task makes of the outputs
  // (Task::predictions).
  at::Tensor probabilities;
};

// Of every sample of the set, in its order, by the model as it is. Throws Error for shifts of
// images that are a single pixel wide or high, for outputs that are not numbers, and for a share
// that is none.
Prediction predict(const Run& run, Source& samples, const PredictOptions& options = {});

}  // namespace onecycle
