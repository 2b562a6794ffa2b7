#pragma once

#include "onecycle/build.h"

#include "network/weights.h"
#include "yaml/document.h"
#include "yaml/yaml.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {

// 80 samples to train on, 20 held out and 37 to test with; five steps an epoch.
inline constexpr const char* kTinyRecipe = R"(
seed: 3
data:
  format: {name: synthetic, train: 100, test: 37, classes: 4, channels: 1, height: 8, width: 8, noise: 0.1}
  batch_size: 16
  validation: 20
model: {name: mlp, hidden: [12]}
optimizer: {name: sgd, nesterov: true}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 2ep, device: cpu, precision: fp32, threads: 1}
)";

// Overrides as after --set.
inline Recipe tiny_recipe(const std::vector<std::string>& overrides = {}) {
  Value document = parse_yaml(kTinyRecipe, "tiny.yaml");
  for (const std::string& override : overrides) apply_override(document, override);
  return read_recipe(document, Registries());
}

inline RecipeRun tiny_run(const std::vector<std::string>& overrides = {}) {
  Environment environment;
  environment.use_threads = at::set_num_threads;
  return build(tiny_recipe(overrides), environment);
}

// Checkpoints in memory, of which the last is kept.
class LastSnapshot : public CheckpointStore {
 public:
  std::string save(const Snapshot& snapshot, std::int64_t, bool) override {
    last = snapshot;
    return "memory";
  }
  std::optional<Snapshot> load_latest(std::vector<std::string>&) override { return last; }

  std::optional<Snapshot> last;
};

// A file of the weights alone.
inline void save_weights(const std::string& path, const Parameters& parameters) {
  Snapshot snapshot;
  copy_out(model_tensors(parameters), "model.", snapshot);
  write_checkpoint(path, snapshot);
}

// Weights (masters) and buffers, copied.
inline std::vector<at::Tensor> state_of(const Run& run) {
  std::vector<at::Tensor> state;
  for (const Parameter& parameter : run.parameters->all())
    state.push_back(parameter.master.clone());
  for (const at::Tensor& buffer : run.model->buffers()) state.push_back(buffer.clone());
  return state;
}

inline bool bitwise_equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!a[i].equal(b[i])) return false;
  return true;
}

}  // namespace onecycle
