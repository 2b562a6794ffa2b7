#include "onecycle/recipe.h"

namespace onecycle {

template <>
struct EnumNames<DeviceChoice> {
  static std::vector<std::pair<const char*, DeviceChoice>> values() {
    return {{"auto", DeviceChoice::automatic},
            {"cpu", DeviceChoice::cpu},
            {"cuda", DeviceChoice::cuda}};
  }
};
template <>
struct OptionType<DeviceChoice> : EnumOption<DeviceChoice> {};

template <>
struct EnumNames<Precision> {
  static std::vector<std::pair<const char*, Precision>> values() {
    return {{"auto", Precision::automatic},
            {"fp32", Precision::fp32},
            {"bf16", Precision::bf16},
            {"fp64", Precision::fp64}};
  }
};
template <>
struct OptionType<Precision> : EnumOption<Precision> {};

namespace {

OptionTable<TrainOptions> train_options() {
  OptionTable<TrainOptions> table("train", "How long, where and how precisely to train");
  table.add("duration", &TrainOptions::duration, "length of the run").range(above(0));
  table.unit("ep: epochs, it: optimizer steps");
  table
      .add("evaluate_every", &TrainOptions::evaluate_every,
           "how often validation and test are evaluated; always at the end")
      .range(above(0));
  table.unit("ep: epochs, it: optimizer steps");
  table.add("log_every", &TrainOptions::log_every, "steps between two rows of steps.csv")
      .range(at_least(1));
  table.unit("steps");
  table.add("device", &TrainOptions::device, "auto: a CUDA device where there is one");
  table.add("precision", &TrainOptions::precision,
            "bf16 keeps fp32 masters; auto: bf16 for convolutions where the hardware has it");
  table.add("threads", &TrainOptions::threads, "CPU threads; null: as many as cores")
      .range(between(1, 4096));
  table
      .add("label_smoothing", &TrainOptions::label_smoothing,
           "share of the target spread evenly over the classes; training loss only")
      .range(from_below(0, 1));
  return table;
}

OptionTable<StopOptions> stop_options() {
  OptionTable<StopOptions> table("stop", "When to end a run before its time");
  table
      .add("divergence_factor", &StopOptions::divergence_factor,
           "diverged once the mean training loss between two log points exceeds this many times "
           "the first one, or that of guessing")
      .range(above(1));
  return table;
}

OptionTable<OutputOptions> output_options() {
  OptionTable<OutputOptions> table("output", "What a run leaves, and where");
  table.add("dir", &OutputOptions::dir, "folder of all runs; a run gets DIR/NAME/NUMBER");
  return table;
}

std::optional<OptionTable<Recipe>::Violation> check_name(const Recipe& recipe) {
  if (!recipe.name.empty() && recipe.name.front() != '.' &&
      recipe.name.find('/') == std::string::npos)
    return std::nullopt;
  return OptionTable<Recipe>::Violation{
      "name", "names a folder: it cannot be empty, start with a dot or hold a slash"};
}

}  // namespace

OptionTable<Recipe> recipe_options(const RecipeVariants& variants) {
  OptionTable<Recipe> table("recipe", "Every key of a onecycle recipe");
  table.add("name", &Recipe::name, "names the run's folder");
  table.add("seed", &Recipe::seed, "of every random choice").range(at_least(0));
  table.add_section("data", &Recipe::data, data_options());
  table.add_choice("model", &Recipe::model, variants.models, "The network");
  table.add_choice("optimizer", &Recipe::optimizer, variants.optimizers,
                   "The update of the weights");
  table.add_choice("schedule", &Recipe::schedule, variants.schedules,
                   "Learning rate, momentum and weight decay over the run");
  table.add_section("train", &Recipe::train, train_options());
  table.add_section("stop", &Recipe::stop, stop_options());
  table.add_section("output", &Recipe::output, output_options());
  table.rule(check_name);
  return table;
}

}  // namespace onecycle
