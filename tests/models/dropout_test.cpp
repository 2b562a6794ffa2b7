// Dropout of the dense net and of ResNet-9; the size of ResNet-9.

#include "models/support.h"

#include <cmath>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

TEST(Dropout, MlpDropsAShareOfItsHiddenLayer) {
  const at::NoGradGuard no_grad;
  constexpr std::int64_t kUnits = 1000, kBatch = 100;
  const auto model =
      make_model("mlp", {1, 2, 2, kUnits, 1}, "{hidden: [1000], dropout: 0.3, init: kaiming}");
  const auto weights = model->named_parameters();
  weights["layer1.weight"].data().zero_();
  weights["layer1.bias"].data().fill_(1);
  weights["layer2.weight"].data().copy_(at::eye(kUnits));
  const at::Tensor images = at::ones({kBatch, 1, 2, 2});
  at::manual_seed(5);
  const at::Tensor kept = model->forward(images);
  const double dropped = kept.eq(0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(dropped, 0.3, 4 * std::sqrt(0.21 / (kUnits * kBatch)));
  EXPECT_TRUE(kept.masked_select(kept.ne(0)).allclose(at::full({}, 1 / 0.7)));
  EXPECT_FALSE(model->forward(images).equal(kept));
  at::manual_seed(5);
  EXPECT_TRUE(model->forward(images).equal(kept));
  model->eval();
  EXPECT_TRUE(model->forward(images).equal(at::ones({kBatch, kUnits})));
}

TEST(Dropout, MlpNeverDropsLogits) {
  const at::NoGradGuard no_grad;
  const auto model = make_model("mlp", {1, 4, 4, 50, 1}, "{hidden: [], dropout: 0.9}");
  const at::Tensor images = at::ones({7, 1, 4, 4});
  EXPECT_TRUE(model->forward(images).equal(model->forward(images)));
}

TEST(Dropout, ResNet9DropsBeforeTheDenseLayer) {
  const at::NoGradGuard no_grad;
  constexpr std::int64_t kFeatures = 128, kBatch = 100;
  const auto model =
      make_model("resnet9", {1, 8, 8, kFeatures, 1}, "{width: 16, dropout: 0.25, logit_scale: 1}");
  const auto weights = model->named_parameters();
  weights["linear.weight"].data().copy_(at::eye(kFeatures));
  weights["layer3.bn.bias"].data().fill_(10);  // every feature above 0
  const at::Tensor images = at::arange(kBatch * 64).remainder(61).to(at::kFloat);
  const at::Tensor batch = images.reshape({kBatch, 1, 8, 8});
  at::manual_seed(5);
  const at::Tensor kept = model->forward(batch);
  const double dropped = kept.eq(0).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(dropped, 0.25, 4 * std::sqrt(0.1875 / (kFeatures * kBatch)));
  at::manual_seed(5);
  EXPECT_TRUE(model->forward(batch).equal(kept));
  model->eval();
  EXPECT_EQ(model->forward(batch).eq(0).sum().item<std::int64_t>(), 0);
}

TEST(ResNet9, SizesByHand) {
  const ModelSummary summary = summarise(*make_model("resnet9", {}), {});
  // Page's network.
  EXPECT_EQ(summary.parameters, 6573120);
  const std::int64_t pixels = 1024, quarter = 256, eighth = 64, last = 16;
  EXPECT_EQ(summary.macs, 27 * 64 * pixels + 9 * 64 * 128 * pixels + 2 * 9 * 128 * 128 * quarter +
                              9 * 128 * 256 * quarter + 9 * 256 * 512 * eighth +
                              2 * 9 * 512 * 512 * last + 5120);
}

TEST(ModelOptions, BadValuesOfTheNetworksWithNormsAndDropout) {
  const auto registry = builtin_models();
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"mlp", "dropout: 1"},      {"mlp", "dropout: -0.1"},      {"resnet9", "dropout: 1"},
      {"resnet9", "bn_batch: 0"}, {"resnet9", "logit_scale: 0"}, {"resnet20", "bn_batch: 1.5"},
      {"cnn3", "init: gaussian"}, {"cnn3", "width: 3"},          {"cnn3", "bn_batch: 8"},
      {"mlp", "bn_batch: 8"}};
  for (const auto& [name, text] : bad) {
    Problems problems;
    registry.at(name).variant.options->read(parse_yaml(text, "test.yaml"), "model", problems);
    EXPECT_EQ(problems.size(), 1u) << name << " " << text;
  }
}

}  // namespace
}  // namespace onecycle
