#include "train/state/initial_weights.h"

#include <algorithm>

namespace onecycle {

void initialise_from_data(Run& run) {
  const std::int64_t count = std::min(run.model->initial_samples(), run.train->size());
  if (count == 0) return;
  run.train->set_format({run.compute.device});
  run.model->initialise_from(run.train->in_order(0, count, count).inputs.cpu());
}

}  // namespace onecycle
