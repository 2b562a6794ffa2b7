#include "train/initial_weights.h"

#include "onecycle/loader.h"

#include <algorithm>

namespace onecycle {

void initialise_from_data(Run& run) {
  const std::int64_t count = std::min(run.model->initial_samples(), run.data.train.size());
  if (count == 0) return;
  LoaderOptions options;
  options.device = run.data.train.images.device();
  options.batch_size = count;
  options.mean = run.data.mean;
  options.std = run.data.std;
  options.crop = run.data.crop;
  const Loader loader(run.data.train.part(0, count), options);
  run.model->initialise_from(loader.evaluation_batch(0).inputs.cpu());
}

}  // namespace onecycle
