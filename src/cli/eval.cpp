#include "onecycle/error.h"

#include "cli/command.h"
#include "cli/run_folder.h"
#include "core/format.h"
#include "train/weights.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

namespace onecycle {

namespace {

constexpr const char* kExamples = R"(  onecycle eval runs/quickstart/1
  onecycle eval recipes/quickstart.yaml --weights runs/quickstart/1 --split validation
  onecycle eval recipes/quickstart.yaml --weights model.safetensors --json
  onecycle eval recipes/cifar10-eval-resnet20.yaml --weights resnet20-12fca82f.th
)";

const ImageSet& split_of(const DataSet& data, const std::string& name) {
  const ImageSet* set = nullptr;
  if (name == "train") set = &data.train;
  if (name == "validation") set = &data.validation;
  if (name == "test") set = &data.test;
  if (set == nullptr) throw UsageError("--split: expected train, validation or test, got " + name);
  if (set->size() == 0) throw DataError("the " + name + " split of " + data.name + " is empty");
  return *set;
}

// A run's folder stands for its recipe and its weights.
std::string recipe_of(const std::string& path) {
  return std::filesystem::is_directory(path) ? path + "/recipe.yaml" : path;
}
std::string weights_of(const std::string& path) {
  return std::filesystem::is_directory(path) ? weights_path(path) : path;
}

// The file that is named, or the run's, or the recipe's; matched and renamed as the recipe says.
WeightsOptions weights_of(const Recipe& recipe, const std::string& subject,
                          const CommandLine& line) {
  WeightsOptions options = recipe.weights;
  if (line.has("weights") || std::filesystem::is_directory(subject))
    options.file = weights_of(line.text("weights", subject));
  if (!options.file) line.misused("--weights is missing: name a file of weights or a run folder");
  return options;
}

}  // namespace

int eval_command(int argc, char** argv) {
  CommandLine line("eval", "Loss and accuracy of trained weights on a data set.",
                   "RECIPE|RUN_DIR [--weights FILE|RUN_DIR]", kExamples);
  line.add_positional();
  line.add_set();
  line.add_option(
      "weights", "FILE|RUN_DIR",
      "safetensors, torch.save's or a run's folder (default: the run given, or weights.file)");
  line.add_option("split", "NAME", "train, validation or test (default: test)");
  line.add_option("precision", "NAME", "fp32, bf16, fp64 or auto (default: fp32)");
  line.add_flag("raw",
                "the weights of the last step, where the file has averaged ones beside them");
  if (!line.parse(argc, argv)) return 0;

  const std::string subject = line.single("RECIPE");
  const Registries registries = shipped_registries();
  std::vector<std::string> overrides = line.overrides();
  overrides.push_back("train.precision=" + line.text("precision", "fp32"));
  const Recipe recipe = load_recipe(recipe_of(subject), overrides, registries);
  const WeightsOptions options = weights_of(recipe, subject, line);
  Run run = build_for_evaluation(recipe, registries);
  const WeightsReport weights = load_weights(options, *run.parameters, !line.has("raw"));
  if (!weights.left.empty())
    throw CheckpointError(weights.text() + "; an evaluation needs every weight of the model");
  if (line.console().verbose()) line.console().say("weights    " + weights.text());

  const std::string split = line.text("split", "test");
  const Score score = evaluate(run, split_of(run.data, split), /*full_precision=*/false);
  line.console().say(format("{} of {}: loss {:.4f}, accuracy {:.2f} % on {} samples ({})", split,
                            run.data.name, score.loss, 100 * score.accuracy, grouped(score.samples),
                            run.compute.summary));
  if (line.json())
    std::cout << nlohmann::ordered_json{{"event", "evaluated"},     {"split", split},
                                        {"loss", score.loss},       {"accuracy", score.accuracy},
                                        {"samples", score.samples}, {"weights", weights.file}}
                     .dump()
              << std::endl;
  return 0;
}

}  // namespace onecycle
