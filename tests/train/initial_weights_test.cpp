// Initial weights that depend on the data: when they are made, and that they stay.

#include "nn/layers/whitening.h"
#include "support/temporary_folder.h"
#include "train/state/snapshot.h"
#include "train/support.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

const std::vector<std::string> kRecipe = {
    "data.format={name: synthetic, train: 100, test: 37, classes: 4, channels: 3, height: 10, "
    "width: 9}",
    "model={name: cifar_fast, widths: [4], whiten_samples: 30}", "train.precision=bf16"};

std::vector<std::string> recipe_with(const std::string& option) {
  auto recipe = kRecipe;
  recipe.push_back(option);
  return recipe;
}

at::Tensor whitening_of(const Run& run) { return model_tensors(*run.parameters)["whiten.weight"]; }

// Of the first samples of the training part.
at::Tensor by_hand(const RecipeRun& run) {
  const at::Tensor mean = at::tensor(run.data.mean).view({1, -1, 1, 1});
  const at::Tensor std = at::tensor(run.data.std).view({1, -1, 1, 1});
  const at::Tensor pixels = run.data.train.images.narrow(0, 0, 30).to(at::kDouble) / 255;
  return whitening_filters((pixels - mean) / std, 2, 5e-4);
}

TEST(InitialWeights, AreMadeFromTheTrainingPart) {
  auto run = tiny_run(kRecipe);
  const at::Tensor filters = whitening_of(run).clone();
  EXPECT_LT((filters - by_hand(run)).abs().max().item<double>(),
            1e-3 * filters.max().item<double>());
  EXPECT_EQ(filters.scalar_type(), at::kFloat) << "a master in fp32";
  const at::Tensor working = run.model->named_parameters()["whiten.weight"];
  EXPECT_TRUE(working.detach().equal(filters.to(at::kBFloat16)));
  ASSERT_EQ(run.parameters->fixed().size(), 3u);  // and the scales of two norms
  Trainer(run).fit();
  EXPECT_TRUE(whitening_of(run).equal(filters));
  EXPECT_TRUE(whitening_of(tiny_run(recipe_with("seed=9"))).equal(filters))
      << "no function of the seed";
  EXPECT_FALSE(whitening_of(tiny_run(recipe_with("model.whiten_samples=20"))).equal(filters));
}

TEST(InitialWeights, AreThoseOfTheFileWhereThereIsOne) {
  const TemporaryFolder folder;
  auto run = tiny_run(recipe_with("model.whiten_samples=20"));
  Trainer(run).fit();
  save_weights(folder / "w.safetensors", *run.parameters);
  const auto loaded = tiny_run(recipe_with("weights.file=" + (folder / "w.safetensors")));
  EXPECT_TRUE(bitwise_equal(state_of(loaded), state_of(run)));
  EXPECT_TRUE(whitening_of(loaded).equal(whitening_of(run)));
}

// A checkpoint holds them, and a resumed run has the checkpoint's.
TEST(InitialWeights, AreTheCheckpointsWhereARunGoesOn) {
  auto run = tiny_run(kRecipe), other = tiny_run(recipe_with("model.whiten_samples=20"));
  const Snapshot snapshot = capture(run, nullptr, {});
  restore(other, nullptr, snapshot, "memory");
  EXPECT_TRUE(whitening_of(other).equal(whitening_of(run)));
  const at::Tensor working = other.model->named_parameters()["whiten.weight"];
  EXPECT_TRUE(working.detach().equal(whitening_of(run).to(at::kBFloat16)));
}

// The last evaluation computes with masters, of weights that do not train as well.
TEST(InitialWeights, AreMastersInFullPrecision) {
  auto run = tiny_run(kRecipe);
  const RunEnd end = Trainer(run).fit();
  auto exact = tiny_run(recipe_with("train.precision=fp32"));
  restore(exact, nullptr, capture(run, nullptr, {}), "memory");
  EXPECT_EQ(evaluate(exact, *exact.test, false).loss, end.test->loss);
}

}  // namespace
}  // namespace onecycle
