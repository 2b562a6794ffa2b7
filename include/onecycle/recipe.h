#pragma once

#include "onecycle/compute.h"
#include "onecycle/descriptors.h"
#include "onecycle/device_settings.h"
#include "onecycle/duration.h"
#include "onecycle/fit_options.h"
#include "onecycle/fused_norms.h"
#include "onecycle/options.h"
#include "onecycle/schedule.h"
#include "onecycle/weights.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// What became of the schedule when a run was made longer than it was planned.
struct ExtensionOptions {
  Duration from{0, Duration::Unit::steps};  // the length planned before
  Extend how = Extend::hold;
};

// Weights that a run keeps as they are: those in the layer groups up to `to` whose names fit
// `match` and do not fit `except`, globs as in optimizer.groups.
struct FreezeOptions {
  std::optional<std::string> to;  // a child of the model, or of a layer group; empty: all of them
  std::string match = "*";
  std::optional<std::string> except;
  std::optional<Duration> until;  // empty: to the end of the run
  std::optional<Duration> from;   // empty: from its start

  bool operator==(const FreezeOptions&) const = default;
};

// `train.proxy`: a small network that is trained first, and chooses what the run takes of each
// batch.
struct ProxyOptions {
  Choice model{"none"};  // none: no proxy
  double share = 0.5;    // of the samples of each forward pass
};

// The recipe's `train` section: docs/recipe.md lists what each option means.
struct TrainOptions {
  Duration duration{5, Duration::Unit::epochs};
  Duration evaluate_every{1, Duration::Unit::epochs};
  std::optional<Duration> test_every;
  std::int64_t log_every = 25;
  DeviceChoice device = DeviceChoice::automatic;
  Precision precision = Precision::automatic;
  Tf32Choice tf32 = Tf32Choice::automatic;
  AutotuneChoice autotune = AutotuneChoice::automatic;
  bool deterministic = false;
  GraphChoice graph = GraphChoice::automatic;
  GraphChoice evaluation_graph = GraphChoice::automatic;
  std::optional<std::int64_t> threads;
  double label_smoothing = 0;
  std::int64_t accumulate = 1;
  std::optional<std::int64_t> lr_found_at;  // total batch of the range test that found the rate
  std::optional<double> grad_clip;
  std::optional<double> ema_decay;
  LookaheadOptions lookahead;
  ProxyOptions proxy;
  TestTimeAugmentation tta = TestTimeAugmentation::none;  // in evaluations
  double tta_share = 1;                                   // of the samples
  bool sync_bn = false;                                   // over the ranks
  FusedNorms fused_norms = FusedNorms::automatic;
  GradientFormat gradient_format = GradientFormat::as_computed;  // between the ranks
  std::vector<FreezeOptions> freeze;
  bool freeze_statistics = true;
  std::vector<ExtensionOptions> extensions;

  // Whether there is a proxy.
  bool has_proxy() const { return proxy.model.name != "none"; }
  // The choice of device and number format.
  ComputeOptions compute() const { return {device, precision}; }
  // What the process is to be set to.
  DeviceSettings device_settings() const { return {tf32, autotune, deterministic}; }
};

// `stop.on_divergence`: stop, or go on from the last checkpoint with a lower learning rate.
struct OnDivergence {
  std::int64_t retries = 0;  // 0: stop
  double lr_scale = 0.5;     // on the learning rate from there on, again at each retry

  bool operator==(const OnDivergence&) const = default;
};

// What the best checkpoint and early stopping go by.
enum class Monitor { metric, loss };

// The recipe's `stop` section.
struct StopOptions {
  double divergence_factor = 4;
  std::int64_t divergence_window = 1;
  OnDivergence on_divergence;
  Monitor monitor = Monitor::metric;
  std::optional<std::int64_t> patience;
  double min_delta = 0;
};

// The recipe's `output` section.
struct OutputOptions {
  std::string dir = "runs";
  Duration checkpoint_every{1, Duration::Unit::epochs};
  std::int64_t keep = 2;
};

// A value that ${NAME} in the recipe's text gave.
struct FromEnvironment {
  std::vector<std::string> place;  // keys and positions in lists, from the top
  std::string written;             // "${NAME}"
  std::string value;               // as the resolved recipe would have it, on one line
  bool is_text = false;            // and no number, duration or name of a choice
};

// A complete description of a training run.
struct Recipe {
  std::string name = "run";
  std::int64_t seed = 1;
  DataOptions data;
  Choice task{"classification"};
  Choice model;
  WeightsOptions weights;
  Choice optimizer{"sgd"};
  Choice schedule{"one_cycle"};
  TrainOptions train;
  StopOptions stop;
  OutputOptions output;
  // Written in place of the values, as long as they are the recipe's: they may be secrets.
  std::vector<FromEnvironment> environment;
  // Where its keys ("train.freeze[1].to") were written, for messages; null where nobody wrote it.
  std::shared_ptr<const std::map<std::string, Position>> positions;
};

// The parts that a recipe may name.
struct RecipeVariants {
  Variants formats;
  Variants augmentations;
  Variants tasks;
  Variants models;
  Variants optimizers;
  Variants schedules;
};

// All options of a recipe that names its parts among `variants`.
OptionTable<Recipe> recipe_options(const RecipeVariants& variants);

}  // namespace onecycle
