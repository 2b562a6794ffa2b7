#pragma once

#include "onecycle/build.h"

#include "formats/torch/torch_writer.h"
#include "formats/weights_file.h"

#include <cstdint>

namespace onecycle {

// The optimizer's state in a checkpoint as torch.optim's load_state_dict takes it, with the numbers
// of the last step taken.
struct ExportedOptimizer {
  std::string name;        // "SGD", "AdamW" or "Adam"
  TorchOptimizer state;    // points into the checkpoint and into `counters`
  std::int64_t steps = 0;  // taken
  std::string note;        // what torch.optim does otherwise, in one line; may be empty
  std::vector<float> counters;
};

// Throws CheckpointError where the checkpoint has no such state, or where torch.optim has no such
// momentum.
std::unique_ptr<ExportedOptimizer> torch_optimizer(const WeightsContent& checkpoint,
                                                   const Environment& environment);

}  // namespace onecycle
