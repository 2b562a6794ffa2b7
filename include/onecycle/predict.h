#pragma once

#include "onecycle/trainer.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

struct PredictOptions {
  TestTimeAugmentation augmentation = TestTimeAugmentation::none;
  bool full_precision = false;
  // Told the samples done so far after each batch; may be empty.
  std::function<void(std::int64_t done)> progress;
};

struct Prediction {
  Score score;               // by the set's labels
  at::Tensor probabilities;  // [N, classes], fp32, on the CPU
};

// Of every sample of the set, in its order, by the model as it is. Throws Error for shifts of
// images that are a single pixel wide or high, and for outputs that are not numbers.
Prediction predict(const Run& run, Source& samples, const PredictOptions& options = {});

// What a network was trained to take and to tell: enough to use it without its data.
struct NetworkTask {
  std::string data;  // the data set's name
  std::int64_t channels = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::string> classes;
  std::vector<double> mean;  // as in DataSet
  std::vector<double> std;
  std::int64_t resize = 0;  // of a picture's shorter side, before height x width are cut from it
};

// The task as a checkpoint's metadata hold it, under "task".
std::string to_json(const NetworkTask& task);
// Nothing where the metadata have none. Throws CheckpointError, naming `source`, for a broken one.
std::optional<NetworkTask> task_in(const std::map<std::string, std::string>& metadata,
                                   const std::string& source);

}  // namespace onecycle
