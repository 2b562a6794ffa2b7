#pragma once

#include "onecycle/experiment.h"
#include "onecycle/loader.h"
#include "onecycle/models.h"
#include "onecycle/predictor.h"
#include "onecycle/tasks.h"

#include <map>
#include <memory>
#include <string>

#include <ATen/ATen.h>

// A small network of pictures, whose runs a Predictor reads.
namespace onecycle::testing {

inline const NetworkTask kTask = {
    "toy", 3, 8, 8, {"a", "b", "c"}, {0.4, 0.5, 0.6}, {0.2, 0.25, 0.3}, 8};

inline at::Tensor pictures(std::int64_t count) {
  return at::arange(count * 3 * 8 * 8).mul(37).remainder(251).to(at::kByte).view({count, 3, 8, 8});
}

inline std::shared_ptr<Source> labelled_pictures(std::int64_t count, std::uint64_t seed) {
  LoaderOptions options;
  options.mean = kTask.mean;
  options.std = kTask.std;
  options.augment.flip = true;
  options.seed = seed;
  return std::make_shared<Loader>(ImageSet{pictures(count), at::arange(count).remainder(3)},
                                  options);
}

inline std::shared_ptr<Model> picture_network(std::uint64_t seed) {
  return make_model(CifarResNet{.depth = 8, .width = 4}, {3, 8, 8, 3, seed});
}

inline Experiment experiment_on_pictures(std::shared_ptr<Model> network, std::int64_t steps) {
  return {std::move(network), classification(3), labelled_pictures(48, 1), labelled_pictures(12, 2),
          ExperimentOptions{.batch_size = 16,
                            .steps = steps,
                            .device = DeviceChoice::cpu,
                            .log_every = 2,
                            .evaluate_every = 7}};
}

// The checkpoints of a run in `folder` that a Predictor reads.
inline std::shared_ptr<CheckpointStore> checkpoints_in(const std::string& folder) {
  return std::make_shared<CheckpointFolder>(
      folder + "/checkpoints", 1,
      std::map<std::string, std::string>{{kTaskKey, to_json(kTask)},
                                         {kModelKey, R"({"name":"resnet8","width":4})"}});
}

}  // namespace onecycle::testing
