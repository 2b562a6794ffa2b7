#include "onecycle/tasks.h"

#include "tasks/class_weights.h"

#include <optional>

namespace onecycle {

namespace {

// Between 0 and 1, neither included.
constexpr Range kInside = {.low = 0, .high = 1, .low_open = true, .high_open = true};

struct ClassificationRecipe {
  std::optional<ClassWeights> weights = {};
  double beta = 0.999;
  double focal_gamma = 0;
};

OptionTable<ClassificationRecipe> classification_recipe() {
  OptionTable<ClassificationRecipe> table(
      "classification", "One label a sample: cross-entropy, and the share that is right");
  table.add("weights", &ClassificationRecipe::weights,
            "of the samples of each class in the training loss: auto (all classes count alike), "
            "effective (by the effective number of samples, arXiv 1901.05555), or a map from "
            "classes to numbers, 1 for those left out; null: all samples count alike");
  table.add("beta", &ClassificationRecipe::beta, "of weights: effective").range(kInside);
  table
      .add("focal_gamma", &ClassificationRecipe::focal_gamma,
           "gamma of the focal loss (arXiv 1708.02002); 0: off")
      .range(at_least(0));
  return table;
}

std::shared_ptr<const Task> classification_of(const ClassificationRecipe& recipe,
                                              const TaskContext& context) {
  ClassificationOptions options;
  options.label_smoothing = context.label_smoothing;
  if (recipe.weights)
    options.weights =
        class_weights(*recipe.weights, recipe.beta, context.names, context.targets.counts);
  options.focal_gamma = recipe.focal_gamma;
  return classification(context.classes, options);
}

struct RegressionRecipe {
  RegressionLoss loss = RegressionLoss::mse;
  double huber_delta = 1;
};

OptionTable<RegressionRecipe> regression_recipe() {
  OptionTable<RegressionRecipe> table(
      "regression", "Numbers, standardised for the loss; rmse, mae and r2 are in their own units");
  table.add("loss", &RegressionRecipe::loss,
            {{"mse", RegressionLoss::mse},
             {"mae", RegressionLoss::mae},
             {"huber", RegressionLoss::huber},
             {"gaussian_nll", RegressionLoss::gaussian_nll}},
            "of an error; gaussian_nll: the network gives a mean and a log variance of each value");
  table
      .add("huber_delta", &RegressionRecipe::huber_delta,
           "where huber becomes linear, in standard deviations of the targets")
      .range(above(0));
  return table;
}

std::shared_ptr<const Task> regression_of(const RegressionRecipe& recipe,
                                          const TaskContext& context) {
  if (context.label_smoothing > 0)
    throw FieldError("train.label_smoothing", "a regression has no labels; leave it out");
  return regression({recipe.loss, recipe.huber_delta, context.targets});
}

struct MultiLabelRecipe {
  double threshold = MultiLabelOptions{}.threshold;
};

OptionTable<MultiLabelRecipe> multi_label_recipe() {
  OptionTable<MultiLabelRecipe> table(
      "multi_label",
      "Any number of labels a sample: binary cross-entropy, mean average precision and F1");
  table
      .add("threshold", &MultiLabelRecipe::threshold,
           "the probability from which on a sample has a label, for F1")
      .range(kInside);
  return table;
}

}  // namespace

std::optional<TargetKind> TaskRegistry::targets_of(const std::string& name) const {
  const auto found = targets_.find(name);
  return found == targets_.end() ? std::nullopt : std::optional(found->second);
}

TaskRegistry builtin_tasks() {
  TaskRegistry registry("task");
  registry.add(classification_recipe(), TargetKind::classes,
               [](const ClassificationRecipe& recipe, const TaskContext& context) {
                 return classification_of(recipe, context);
               });
  registry.add(multi_label_recipe(), TargetKind::labels,
               [](const MultiLabelRecipe& recipe, const TaskContext& context) {
                 return multi_label(context.classes, {recipe.threshold, context.label_smoothing});
               });
  registry.add(regression_recipe(), TargetKind::values,
               [](const RegressionRecipe& recipe, const TaskContext& context) {
                 return regression_of(recipe, context);
               });
  return registry;
}

}  // namespace onecycle
