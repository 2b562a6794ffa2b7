#include "recipe/data_place.h"

#include "onecycle/error.h"

#include "data/sample_place.h"

#include <algorithm>

namespace onecycle {

namespace {

// Of a training, beside its samples and on the device.
std::int64_t bytes_beside_samples(const RecipeRun& run, std::int64_t free) {
  constexpr std::int64_t kLibraries = std::int64_t{1} << 30;  // workspaces, compiled kernels
  constexpr std::int64_t kOfAWeight =
      6 * 4;  // itself, a narrow copy, its gradient, state, averages
  constexpr std::int64_t kGradientsToo = 2;
  constexpr std::int64_t kGraphToo = 2;  // keeps its activations apart from the first steps'
  const BatchSize& batch = run.recipe.data.batch_size;
  const std::int64_t most = run.recipe.data.total_batch_size.value_or(batch.count);
  if (batch.all || batch.automatic) return free / 2;  // fitted to what is free
  const ModelSummary summary = summarise(*run.model, run.context);
  return kLibraries + kOfAWeight * summary.parameters +
         kGradientsToo * kGraphToo * summary.activation_bytes * std::min(batch.count, most);
}

}  // namespace

void place_data(RecipeRun& run) {
  const c10::Device device = run.compute.device;
  const DataPlace wanted = run.recipe.data.place;
  if (!run.data.is_pictures() && wanted == DataPlace::host)
    throw FieldError("data.place", "host is for pictures; leave it at auto for other samples");
  if (!device.is_cuda() || !run.data.is_pictures()) return move_samples(run.data, device);
  if (run.data.train.images.is_cuda()) return;  // by the run that read them
  PlaceNeeds needs;
  needs.samples = image_bytes(run.data);
  if (wanted == DataPlace::automatic && needs.samples > 0) {
    needs.free = free_for_samples(device);
    needs.beside = bytes_beside_samples(run, needs.free);
  }
  if (needs.samples == 0 || chosen_place(wanted, needs) == DataPlace::device)
    return move_samples(run.data, device);
  lend_samples(run.data, device);
}

}  // namespace onecycle
