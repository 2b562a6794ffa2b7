#pragma once

#include "onecycle/build.h"

#include "cli/command.h"

#include <string>

namespace onecycle {

// A network with its trained weights, as `eval` and `predict` name it: RECIPE|RUN_DIR and
// --weights.
struct TrainedNetwork {
  RecipeRun run;
  std::string weights;       // the file
  std::string weights_text;  // the file, its step, whether averaged, and what became of its tensors
  NetworkTask task;
};

// --weights, --precision, --raw, --tta and --set.
void add_network_options(CommandLine& line);

enum class NeedsData { yes, no };

// Without a need for data, a checkpoint that says what its network was trained for is believed, and
// no data is read. Throws UsageError, RecipeError, DataError, CheckpointError.
TrainedNetwork open_network(const std::string& subject, const CommandLine& line, NeedsData data,
                            const std::shared_ptr<Group>& group = alone());

// --tta, or the recipe's train.tta.
TestTimeAugmentation test_time_augmentation(const CommandLine& line, const Recipe& recipe);

}  // namespace onecycle
