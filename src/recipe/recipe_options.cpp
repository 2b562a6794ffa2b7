#include "onecycle/recipe.h"

#include "core/text/utf8.h"
#include "formats/names/rename_options.h"
#include "recipe/with_none.h"

namespace onecycle {

template <>
struct OptionType<OnDivergence> {
  static std::string name() { return "stop or {lr_scale, retries}"; }
  static std::string schema() {
    return R"({"anyOf":[{"const":"stop"},{"type":"object","properties":{)"
           R"("lr_scale":{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1},)"
           R"("retries":{"type":"integer","minimum":1}},"additionalProperties":false}]})";
  }
  static std::optional<OnDivergence> read(const Value& value, std::string& why);
  static void write(const OnDivergence& value, Value& to);
};

std::optional<OnDivergence> OptionType<OnDivergence>::read(const Value& value, std::string& why) {
  if (value.is_scalar() && value.text == "stop") return OnDivergence{};
  why = "stop or a map of lr_scale, between 0 and 1, and retries, at least 1";
  if (!value.is_map()) return std::nullopt;
  constexpr std::int64_t kRetries = 2;
  OnDivergence result{kRetries, OnDivergence{}.lr_scale};
  for (const auto& [key, at, given] : value.members) {
    std::string ignored;
    if (key == "lr_scale") {
      const auto scale = OptionType<double>::read(given, ignored);
      if (!scale || *scale <= 0 || *scale >= 1) return std::nullopt;
      result.lr_scale = *scale;
    } else if (key == "retries") {
      const auto retries = OptionType<std::int64_t>::read(given, ignored);
      if (!retries || *retries < 1) return std::nullopt;
      result.retries = *retries;
    } else {
      return std::nullopt;
    }
  }
  return result;
}

void OptionType<OnDivergence>::write(const OnDivergence& value, Value& to) {
  if (value.retries == 0) return detail::write_word("stop", to);
  to = Value::map();
  OptionType<double>::write(value.lr_scale, detail::add_member(to, "lr_scale"));
  OptionType<std::int64_t>::write(value.retries, detail::add_member(to, "retries"));
}

namespace {

OptionTable<ExtensionOptions> extension_options() {
  OptionTable<ExtensionOptions> table("extension", "A run made longer than it was planned");
  table.add("from", &ExtensionOptions::from, "the length planned before");
  table.required().unit("ep: epochs, it: optimizer steps");
  table.add(
      "how", &ExtensionOptions::how,
      {{"stretch", Extend::stretch}, {"hold", Extend::hold}, {"new-cycle", Extend::new_cycle}},
      "stretch: as if planned so from the start; hold: the last values stay; new-cycle: the "
      "whole schedule again over the added steps");
  return table;
}

OptionTable<FreezeOptions> freeze_options() {
  OptionTable<FreezeOptions> table(
      "freeze", "Weights kept as they are; no gradient is computed below the lowest that trains");
  table.add("to", &FreezeOptions::to,
            "the layer groups from the first to this one, a child of the model like layer2; null: "
            "all of them");
  table.add("match", &FreezeOptions::match,
            "of those, the parameters whose full name matches this glob, like `layer1.*`");
  table.add("except", &FreezeOptions::except, "and does not match this one");
  table.add("until", &FreezeOptions::until, "when they begin to train again; null: never")
      .range(above(0));
  table.unit("ep: epochs, it: optimizer steps");
  table
      .add("from", &FreezeOptions::from,
           "when freezing begins: they train until then; null: at the start")
      .range(above(0));
  table.unit("ep: epochs, it: optimizer steps");
  table.rule(
      [](const FreezeOptions& options) -> std::optional<OptionTable<FreezeOptions>::Violation> {
        if (options.to || options.except || options.match != FreezeOptions{}.match)
          return std::nullopt;
        return OptionTable<FreezeOptions>::Violation{
            "match",
            "a rule needs to, match or except: freezing everything leaves nothing to train"};
      });
  return table;
}

OptionTable<LookaheadOptions> lookahead_options() {
  OptionTable<LookaheadOptions> table(
      "lookahead", "Weights pulled back towards where they were (Zhang et al. 2019)");
  table
      .add("every", &LookaheadOptions::every,
           "after this many steps kept <- share kept + (1 - share) weights, weights <- kept, the "
           "norms' statistics too; weights <- kept at the end; null: off")
      .range(at_least(1));
  table.unit("steps");
  table
      .add("keep", &LookaheadOptions::keep,
           "the share at the end of the run: 1 - alpha of the paper")
      .range(between(0, 1));
  table
      .add("power", &LookaheadOptions::power,
           "after t of T steps the share is keep (t / T)^power; 0: the same throughout")
      .range(at_least(0));
  return table;
}

OptionTable<ProxyOptions> proxy_options(const Variants& models) {
  OptionTable<ProxyOptions> table(
      "proxy",
      "A small network that is trained first and chooses what the run takes of each batch");
  table.add_choice("model", &ProxyOptions::model,
                   with_none(models, "the run takes every sample of its batches"),
                   "It is trained by the same recipe, on the samples that it chooses, without "
                   "evaluations and averages");
  table
      .add("share", &ProxyOptions::share,
           "of the samples of each forward pass, those with the highest losses; they make the "
           "run's total batch, while epochs count the batches that they are of")
      .range({.low = 0, .high = 1, .low_open = true});
  return table;
}

OptionTable<TrainOptions> train_options(const Variants& models) {
  OptionTable<TrainOptions> table("train", "How long, where and how precisely to train");
  table.add("duration", &TrainOptions::duration, "length of the run").range(above(0));
  table.unit("ep: epochs, it: optimizer steps");
  table
      .add("evaluate_every", &TrainOptions::evaluate_every,
           "how often validation and test are evaluated; always at the end")
      .range(above(0));
  table.unit("ep: epochs, it: optimizer steps");
  table
      .add("test_every", &TrainOptions::test_every,
           "how often the test split is evaluated; null: at every evaluation")
      .range(above(0));
  table.unit("ep: epochs, it: optimizer steps");
  table.add("log_every", &TrainOptions::log_every, "steps between two rows of steps.csv")
      .range(at_least(1));
  table.unit("steps");
  table.add(
      "device", &TrainOptions::device,
      {{"auto", DeviceChoice::automatic}, {"cpu", DeviceChoice::cpu}, {"cuda", DeviceChoice::cuda}},
      "auto: a CUDA device if there is one");
  table.add(
      "precision", &TrainOptions::precision,
      {{"auto", Precision::automatic},
       {"fp32", Precision::fp32},
       {"bf16", Precision::bf16},
       {"fp16", Precision::fp16},
       {"fp64", Precision::fp64}},
      "bf16 (on a CPU: with AVX-512 BF16) and fp16 keep fp32 masters, fp16 with a loss scale that "
      "finds its size; auto: bf16 for convolutions and large dense layers if the hardware has it");
  table.add("tf32", &TrainOptions::tf32,
            {{"auto", Tf32Choice::automatic}, {"on", Tf32Choice::on}, {"off", Tf32Choice::off}},
            "fp32 on GPUs of compute capability 8.0 or more: factors rounded to TF32 (10 bits of "
            "mantissa), several times as fast; auto: in convolutions, as PyTorch does; on: in "
            "matrix products too; off: exact");
  table.add("autotune", &TrainOptions::autotune,
            {{"auto", AutotuneChoice::automatic},
             {"on", AutotuneChoice::on},
             {"off", AutotuneChoice::off}},
            "on a GPU, cuDNN times its convolutions at the first step of each shape and keeps the "
            "fastest; auto: unless deterministic");
  table.add("deterministic", &TrainOptions::deterministic,
            "equal bits in every run on an equal device with equal threads and build: no "
            "autotuning, deterministic algorithms alone, or an error that names the operation");
  table.rule(
      [](const TrainOptions& options) -> std::optional<OptionTable<TrainOptions>::Violation> {
        const std::string why = why_contradictory(options.device_settings());
        if (why.empty()) return std::nullopt;
        return OptionTable<TrainOptions>::Violation{"autotune", why};
      });
  table.add("graph", &TrainOptions::graph,
            {{"auto", GraphChoice::automatic}, {"on", GraphChoice::on}, {"off", GraphChoice::off}},
            "the whole step as one CUDA graph; auto: on a CUDA device, step by step if it cannot "
            "be recorded; on: an error then");
  table.add("evaluation_graph", &TrainOptions::evaluation_graph,
            {{"auto", GraphChoice::automatic}, {"on", GraphChoice::on}, {"off", GraphChoice::off}},
            "the forward passes of a training's evaluations as a CUDA graph in the memory of the "
            "step's; auto: off; on: as they are where they cannot be recorded");
  table
      .add("threads", &TrainOptions::threads,
           "CPU threads; null: as many as cores, or as the cgroup's CPU quota allows")
      .range(between(1, 4096));
  table
      .add("label_smoothing", &TrainOptions::label_smoothing,
           "share of the target spread evenly over the classes; training loss only")
      .range(from_below(0, 1));
  table
      .add("accumulate", &TrainOptions::accumulate,
           "micro-batches whose gradients make one step: the total batch is this many times "
           "data.batch_size; with `all`, the parts of the whole set; data.total_batch_size sets it")
      .range(between(1, 1e9));
  table
      .add("lr_found_at", &TrainOptions::lr_found_at,
           "total batch at which a range test found the learning rate, noted by tune and "
           "range-test --write: train warns where its own is another; null = not known")
      .unit("samples")
      .range(at_least(1));
  table
      .add("grad_clip", &TrainOptions::grad_clip,
           "largest norm of all gradients together; null: no clipping")
      .range(above(0));
  table
      .add("ema_decay", &TrainOptions::ema_decay,
           "evaluate and keep beside the weights their exponential moving average over the steps; "
           "null: none")
      .range(from_below(0, 1));
  table.add_section("lookahead", &TrainOptions::lookahead, lookahead_options());
  table.add_section("proxy", &TrainOptions::proxy, proxy_options(models));
  table.add("tta", &TrainOptions::tta,
            {{"none", TestTimeAugmentation::none},
             {"flip", TestTimeAugmentation::flip},
             {"flip+shift", TestTimeAugmentation::flip_shift}},
            "average the logits over views of each image in every evaluation, `onecycle eval` and "
            "`predict` included: flip, its mirror image too; flip+shift, both also moved by one "
            "pixel");
  table
      .add("tta_share", &TrainOptions::tta_share,
           "share of the samples of an evaluation that get all views of `tta`: those whose first "
           "class leads by the least probability in the image alone; the others keep its logits")
      .range({.low = 0, .high = 1, .low_open = true});
  table.add("sync_bn", &TrainOptions::sync_bn,
            "batch norms take their statistics over the batches of all ranks, not each rank's own");
  table.add("fused_norms", &TrainOptions::fused_norms,
            {{"auto", FusedNorms::automatic}, {"on", FusedNorms::on}, {"off", FusedNorms::off}},
            "in training, a batch norm with the addition and ReLU or GELU after it as one "
            "hand-written operator; auto: on the CPU only; off: PyTorch's operators");
  table.add("gradient_format", &TrainOptions::gradient_format,
            {{"as_computed", GradientFormat::as_computed}, {"bf16", GradientFormat::bf16}},
            "between ranks; bf16 halves what fp32 gradients send, and rounds them");
  table.add_list("freeze", &TrainOptions::freeze, freeze_options());
  table.add("freeze_statistics", &TrainOptions::freeze_statistics,
            "norms whose scale and shift are frozen normalise by their running statistics and keep "
            "them, as in evaluation");
  table.add_list("extensions", &TrainOptions::extensions, extension_options());
  return table;
}

OptionTable<StopOptions> stop_options() {
  OptionTable<StopOptions> table("stop", "When to end a run early");
  table
      .add("divergence_factor", &StopOptions::divergence_factor,
           "diverged once the mean training loss between two log points exceeds this many times "
           "the first one, or that of guessing")
      .range(above(1));
  table
      .add("divergence_window", &StopOptions::divergence_window,
           "log points in a row that must exceed it")
      .range(at_least(1));
  table.add("on_divergence", &StopOptions::on_divergence,
            "what to do then: stop, or go back to the last checkpoint with the learning rate times "
            "lr_scale (0.5), at most `retries` (2) times");
  table.add("monitor", &StopOptions::monitor,
            {{"metric", Monitor::metric}, {"loss", Monitor::loss}, {"accuracy", Monitor::metric}},
            "on the validation part, the task's first metric (accuracy says the same) or the loss: "
            "what the best checkpoint and patience go by");
  table
      .add("patience", &StopOptions::patience,
           "evaluations without an improvement before the run ends; null: it never ends early")
      .range(at_least(1));
  table
      .add("min_delta", &StopOptions::min_delta,
           "a smaller change of the monitored value is no improvement")
      .range(at_least(0));
  return table;
}

OptionTable<OutputOptions> output_options() {
  OptionTable<OutputOptions> table("output", "What a run leaves, and where");
  table.add("dir", &OutputOptions::dir, "folder of all runs; a run gets DIR/NAME/NUMBER");
  table
      .add("checkpoint_every", &OutputOptions::checkpoint_every,
           "how often a checkpoint is saved; also at each best evaluation and at the end")
      .range(above(0));
  table.unit("ep: epochs, it: optimizer steps");
  table.add("keep", &OutputOptions::keep, "latest checkpoints kept, beside the best")
      .range(at_least(1));
  return table;
}

std::optional<OptionTable<Recipe>::Violation> check_name(const Recipe& recipe) {
  constexpr std::size_t kLongest = 200;  // bytes; file systems allow 255, with suffixes
  const std::string& name = recipe.name;
  if (!name.empty() && name.size() <= kLongest && name.front() != '.' &&
      name.find('/') == std::string::npos && why_no_name(name) == nullptr)
    return std::nullopt;
  return OptionTable<Recipe>::Violation{
      "name",
      "names a folder: it cannot be empty, longer than 200 bytes, start with a dot or hold a slash "
      "or a control character"};
}

}  // namespace

OptionTable<Recipe> recipe_options(const RecipeVariants& variants) {
  OptionTable<Recipe> table("recipe", "Every key of a onecycle recipe");
  table.add("name", &Recipe::name, "names the run's folder");
  table.add("seed", &Recipe::seed, "of every random choice").range(at_least(0));
  table.add_section("data", &Recipe::data, data_options(variants.formats, variants.augmentations));
  table.add_choice("task", &Recipe::task, variants.tasks, "How the network's output is scored");
  table.add_choice("model", &Recipe::model, variants.models, "The network");
  table.add_section("weights", &Recipe::weights, weights_options());
  table.add_choice("optimizer", &Recipe::optimizer, variants.optimizers,
                   "The update of the weights");
  table.add_choice("schedule", &Recipe::schedule, variants.schedules,
                   "Learning rate, momentum and weight decay over the run");
  table.add_section("train", &Recipe::train, train_options(variants.models));
  table.add_section("stop", &Recipe::stop, stop_options());
  table.add_section("output", &Recipe::output, output_options());
  table.rule(check_name);
  table.taken_out({"extends", "search"});
  return table;
}

}  // namespace onecycle
