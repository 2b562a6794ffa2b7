#pragma once

#include "onecycle/data.h"
#include "onecycle/duration.h"
#include "onecycle/options.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

enum class DeviceChoice { automatic, cpu, cuda };

enum class Precision {
  automatic,  // bf16 for convolutions where the hardware has it, else fp32
  fp32,
  bf16,  // bf16 copies of the weights; masters, norms, loss and optimizer in fp32
  fp64,
};

struct TrainOptions {
  Duration duration{5, Duration::Unit::epochs};
  Duration evaluate_every{1, Duration::Unit::epochs};
  std::int64_t log_every = 25;
  DeviceChoice device = DeviceChoice::automatic;
  Precision precision = Precision::automatic;
  std::optional<std::int64_t> threads;
  double label_smoothing = 0;
};

struct StopOptions {
  double divergence_factor = 4;
};

struct OutputOptions {
  std::string dir = "runs";
};

// A complete description of a training run.
struct Recipe {
  std::string name = "run";
  std::int64_t seed = 1;
  DataOptions data;
  Choice model;
  Choice optimizer{"sgd", Value::map()};
  Choice schedule{"one_cycle", Value::map()};
  TrainOptions train;
  StopOptions stop;
  OutputOptions output;
};

// The alternatives that a recipe's `model`, `optimizer` and `schedule` may name.
struct RecipeVariants {
  Variants models;
  Variants optimizers;
  Variants schedules;
};

OptionTable<Recipe> recipe_options(const RecipeVariants& variants);

}  // namespace onecycle
