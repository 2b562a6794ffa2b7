#include "cli/trained_network.h"

#include "onecycle/compute.h"
#include "onecycle/error.h"

#include "cli/progress.h"
#include "cli/run_folder.h"
#include "core/text/format.h"
#include "formats/safetensors/safetensors.h"
#include "network/weights.h"
#include "train/state/run_state.h"

#include <filesystem>

namespace onecycle {

namespace {

namespace fs = std::filesystem;

std::string recipe_of(const std::string& path) {
  return fs::is_directory(path) ? recipe_path(path) : path;
}

// The file that is named, or the run's, or the recipe's.
std::string file_of(const std::string& subject, const Recipe& recipe, const CommandLine& line,
                    const Environment& environment) {
  const std::string named = line.has("weights") || fs::is_directory(subject)
                                ? line.text("weights", subject)
                                : initial_weights_path(recipe, environment).value_or("");
  if (named.empty()) line.misused("--weights is missing: name a file of weights or a run folder");
  return fs::is_directory(named) ? newest_weights(named, line.console()) : named;
}

// What the file says its network was trained for, where it is a checkpoint that does.
std::optional<NetworkTask> task_of_file(const std::string& path) {
  if (!path.ends_with(".safetensors") || !fs::is_regular_file(path)) return std::nullopt;
  return task_in(SafetensorsFile(path).metadata(), path);
}

// The step too, where the file is a run's checkpoint.
std::string text_of(WeightsReport report) {
  try {
    if (report.is_checkpoint)
      if (const auto state = run_state_in(SafetensorsFile(report.file).metadata(), report.file))
        report.file += format(", step {}", state->steps);
  } catch (const CheckpointError&) {  // the weights are sound: the step alone is not known
  }
  return report.text();
}

}  // namespace

void add_network_options(CommandLine& line) {
  line.add_set();
  line.add_option("weights", "FILE|RUN_DIR",
                  "safetensors, torch.save's or a run's folder (default: the run given, or "
                  "weights.file or weights.name)");
  line.add_option("precision", "NAME", "fp32, bf16, fp16, fp64 or auto (default: fp32)");
  line.add_option("tta", "NAME",
                  "average the logits over views of each image: flip, its mirror image too; "
                  "flip+shift, both also moved by one pixel; none (default: train.tta)");
  line.add_flag("raw", "the weights of the last step, even if the file has averaged ones");
}

TrainedNetwork open_network(const std::string& subject, const CommandLine& line, NeedsData data,
                            const std::shared_ptr<Group>& group) {
  TrainedNetwork network;
  const Environment environment = shipped_environment(group, load_watch(line.console()));
  std::vector<std::string> overrides = line.overrides();
  overrides.push_back("train.precision=" + line.text("precision", "fp32"));
  const Recipe recipe = load_recipe(recipe_of(subject), overrides);
  require_precision(recipe.train.compute(), group->local_rank());
  network.weights = file_of(subject, recipe, line, environment);
  const auto task = data == NeedsData::yes ? std::nullopt : task_of_file(network.weights);
  network.run =
      task ? build_for_task(*task, recipe, environment) : build_for_evaluation(recipe, environment);
  network.task = task ? *task : task_of(network.run, environment);
  // A run's own checkpoint has the model's names; `weights` says how to read what it began with.
  const bool own = fs::is_directory(line.text("weights", subject));
  const WeightsReport report =
      load_weights(network.weights, own ? WeightsOptions{} : recipe.weights,
                   *network.run.parameters, !line.has("raw"));
  if (!report.left.empty())
    throw CheckpointError(report.text() + "; an evaluation needs every weight of the model");
  network.weights_text = text_of(report);
  return network;
}

TestTimeAugmentation test_time_augmentation(const CommandLine& line, const Recipe& recipe) {
  if (!line.has("tta")) return recipe.train.tta;
  const std::string name = line.text("tta");
  if (name == "none") return TestTimeAugmentation::none;
  if (name == "flip") return TestTimeAugmentation::flip;
  if (name == "flip+shift") return TestTimeAugmentation::flip_shift;
  line.misused("--tta: expected none, flip or flip+shift, got '" + name + "'");
}

}  // namespace onecycle
