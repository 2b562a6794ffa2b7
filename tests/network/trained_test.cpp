// Predictors of what the trainer left, beside the trainer's own evaluation and beside PyTorch.

#include "onecycle/predict.h"
#include "onecycle/predictor.h"

#include "data/tensor_bytes.h"
#include "formats/checkpoint_files.h"
#include "formats/safetensors/safetensors.h"
#include "formats/torch/torch_writer.h"
#include "recipe/recipe_text.h"
#include "support/places.h"
#include "support/temporary_folder.h"
#include "train/support.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

// Trains the run as `onecycle train` does, into the folder.
void train_into(const std::string& folder, const RecipeRun& run) {
  CheckpointFolder checkpoints(
      checkpoints_path(folder), 1,
      {{kTaskKey, to_json(task_of(run, Environment()))}, {kModelKey, model_json(run.recipe)}});
  Trainer trainer(run);
  trainer.keep_checkpoints_in(checkpoints);
  trainer.fit();
}

// 1,024 samples are whole batches of an evaluation.
void expect_the_evaluation(std::vector<std::string> overrides, TestTimeAugmentation views) {
  overrides.push_back("data.format.test=1024");
  const TemporaryFolder folder;
  const RecipeRun run = tiny_run(overrides);
  train_into(folder.path(), run);
  load_weights(checkpoint_path(checkpoints_path(folder.path()), kLastCheckpoint), *run.parameters);
  PredictOptions options;
  options.augmentation = views;
  options.full_precision = true;
  const Prediction expected = predict(run, *run.test, options);
  const Predictions found =
      Predictor(folder.path(), {.views = views}).predict(run.data.test.images);
  EXPECT_TRUE(found.probabilities.equal(expected.probabilities));
  const at::Tensor right = found.probabilities.argmax(1).eq(run.data.test.labels);
  EXPECT_EQ(right.to(at::kDouble).mean().item<double>(), expected.score.metric());
}

TEST(TrainedPredictor, HasTheBitsOfAnEvaluation) {
  expect_the_evaluation({}, TestTimeAugmentation::none);
  expect_the_evaluation({"train.ema_decay=0.5"}, TestTimeAugmentation::none);
  const std::vector<std::string> pictures = {"data.format.channels=3", "data.format.height=16",
                                             "data.format.width=16"};
  auto resnet = pictures, fast = pictures;
  resnet.emplace_back("model={name: resnet8, width: 4}");
  expect_the_evaluation(resnet, TestTimeAugmentation::none);
  fast.emplace_back("model={name: cifar_fast, widths: [16, 16], whiten_samples: 40}");
  expect_the_evaluation(fast, TestTimeAugmentation::flip_shift);
}

TEST(TrainedPredictor, EqualsPyTorch) {
  const char* python = std::getenv("ONECYCLE_PYTHON");
  if (python == nullptr || *python == '\0')
    GTEST_SKIP() << "needs a Python with torch in ONECYCLE_PYTHON";
  const TemporaryFolder folder;
  const RecipeRun run = tiny_run({"model={name: mlp, hidden: [24, 12]}"});
  train_into(folder.path(), run);
  std::vector<StoredTensor> weights, data;
  const auto tensors = ordered_model_tensors(*run.parameters);
  for (const NamedTensor& item : tensors) weights.push_back(stored(item.name, item.tensor));
  write_torch(folder / "weights.pth", weights);
  const at::Tensor images = run.data.test.images;
  const at::Tensor logits = Predictor(folder.path()).predict(images).logits;
  const at::Tensor mean = at::tensor(run.data.mean), std = at::tensor(run.data.std);
  for (const auto& [name, tensor] : {std::pair("images", images), std::pair("logits", logits),
                                     std::pair("mean", mean), std::pair("std", std)})
    data.push_back(stored(name, tensor));
  write_torch(folder / "data.pth", data);
  const std::string command = "'" + std::string(python) + "' -B '" + source_dir() +
                              "/tests/network/mlp_forward.py' '" + (folder / "weights.pth") +
                              "' '" + (folder / "data.pth") + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace onecycle
