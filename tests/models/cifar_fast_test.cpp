// The fast CIFAR network: whitening, what trains, how it begins.

#include "onecycle/error.h"

#include "models/support.h"
#include "nn/layers/whitening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

using testing::ElementsAre;

// Neighbours alike, colours alike.
at::Tensor smooth_images(std::int64_t count, std::int64_t channels) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  const at::Tensor noise = at::randn({count, channels, 12, 11}, generator);
  return at::avg_pool2d(noise, 3, 1) + noise.mean({1, 2, 3}, true) + at::randn({1}, generator) / 9;
}

// Second moments of what the first half of the filters give, by ATen's convolution.
at::Tensor moments_of_responses(const at::Tensor& images, const at::Tensor& filters) {
  const std::int64_t half = filters.size(0) / 2;
  const at::Tensor responses = at::conv2d(images.to(at::kDouble), filters.to(at::kDouble))
                                   .narrow(1, 0, half)
                                   .permute({0, 2, 3, 1})
                                   .reshape({-1, half});
  return responses.t().mm(responses) / responses.size(0);
}

TEST(Whitening, ResponsesAreWhite) {
  for (const std::int64_t channels : {1, 3}) {
    const at::Tensor images = smooth_images(600, channels);  // more than are summed at once
    const at::Tensor filters = whitening_filters(images, 2, 1e-12);
    ASSERT_EQ(filters.sizes(), at::IntArrayRef({8 * channels, channels, 2, 2}));
    const at::Tensor moments = moments_of_responses(images, filters);
    const at::Tensor identity = at::eye(4 * channels, at::kDouble);
    EXPECT_LT((moments - identity).abs().max().item<double>(), 1e-4);
    EXPECT_TRUE(
        filters.narrow(0, 4 * channels, 4 * channels).equal(-filters.narrow(0, 0, 4 * channels)));
  }
}

// l / (l + eps), the largest first: a small variance is not blown up.
TEST(Whitening, EpsilonDampsSmallVariances) {
  const at::Tensor images = smooth_images(50, 3);
  const double eps = 0.05;
  const at::Tensor moments = moments_of_responses(images, whitening_filters(images, 2, eps));
  const at::Tensor shares = moments.diagonal();
  EXPECT_LT((moments - shares.diag()).abs().max().item<double>(), 1e-5);
  const at::Tensor exact = moments_of_responses(images, whitening_filters(images, 2, 1e-12));
  EXPECT_TRUE(shares.slice(0, 1).le(shares.slice(0, 0, -1)).all().item<bool>());
  const at::Tensor values =
      whitening_filters(images, 2, 1e-12).narrow(0, 0, 12).flatten(1).norm(2, 1).pow(-2);
  EXPECT_LT((shares - values / (values + eps)).abs().max().item<double>(), 1e-5);
  EXPECT_TRUE(at::isfinite(whitening_filters(at::zeros({5, 3, 9, 9}), 2, 5e-4)).all().item<bool>());
}

std::vector<std::string> trained_names(const Model& model) {
  std::vector<std::string> names;
  for (const auto& item : model.named_parameters())
    if (item.value().requires_grad()) names.push_back(item.key());
  return names;
}

const std::string kSmall = "{widths: [5, 30, 6]}";

TEST(CifarFast, WhatTrains) {
  EXPECT_THAT(trained_names(*make_model("cifar_fast", {}, "{widths: [5]}")),
              ElementsAre("whiten.bias", "group1.conv1.weight", "group1.norm1.bias",
                          "group1.conv2.weight", "group1.norm2.bias", "linear.weight"));
  EXPECT_THAT(trained_names(*make_model("cifar_fast", {},
                                        "{widths: [5], whiten_samples: 0, bn_scale: true}")),
              ElementsAre("whiten.weight", "whiten.bias", "group1.conv1.weight",
                          "group1.norm1.weight", "group1.norm1.bias", "group1.conv2.weight",
                          "group1.norm2.weight", "group1.norm2.bias", "linear.weight"));
}

TEST(CifarFast, PassesItsInputsOn) {
  const at::NoGradGuard no_grad;
  const auto weights = make_model("cifar_fast", {}, kSmall)->named_parameters();
  const at::Tensor wide = weights["group2.conv1.weight"];  // 5 to 30 channels
  const at::Tensor images = at::randn({2, 5, 7, 7});
  const at::Tensor out = at::conv2d(images, wide, {}, 1, 1);
  EXPECT_TRUE(out.narrow(1, 0, 5).equal(images));
  EXPECT_GT(wide[5].abs().max().item<double>(), 0.1) << "the other filters are PyTorch's";
  const double bound = 1 / std::sqrt(5 * 9.0);
  EXPECT_LE(wide.narrow(0, 5, 25).abs().max().item<double>(), bound);
  EXPECT_NEAR(wide.narrow(0, 5, 25).std().item<double>(), bound / std::sqrt(3.0), bound / 20);
  const at::Tensor narrow = weights["group3.conv1.weight"];  // 30 to 6
  EXPECT_TRUE(at::conv2d(at::ones({1, 30, 3, 3}), narrow, {}, 1, 1).equal(at::ones({1, 6, 3, 3})));
  EXPECT_EQ(weights["whiten.bias"].abs().sum().item<double>(), 0);
  const auto random = make_model("cifar_fast", {}, "{widths: [5], dirac: false}");
  EXPECT_NE(random->named_parameters()["group1.conv1.weight"][0][0][0][0].item<double>(), 0);
}

TEST(CifarFast, WhitensWhatItIsGiven) {
  const auto model = make_model("cifar_fast", {}, "{widths: [5], whiten_samples: 40}");
  EXPECT_EQ(model->initial_samples(), 40);
  const at::Tensor images = smooth_images(40, 3);
  model->initialise_from(images);
  EXPECT_TRUE(model->named_parameters()["whiten.weight"].detach().equal(
      whitening_filters(images, 2, 5e-4)));
  EXPECT_EQ(make_model("resnet9", {})->initial_samples(), 0);
}

// airbench94, by hand: weights of 2x2 and 3x3 filters, the norms' scales and shifts, the head.
TEST(CifarFast, SizeByHand) {
  const auto count = [](const std::string& options) {
    std::int64_t sum = 0;
    for (const at::Tensor& parameter : make_model("cifar_fast", {}, options)->parameters())
      sum += parameter.numel();
    return sum;
  };
  EXPECT_EQ(count("{}"), 24 * 13 + 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256) +
                             4 * (64 + 256 + 256) + 2560);
  EXPECT_EQ(
      count("{widths: [128, 384, 512], convs: 3, residual: true}"),
      24 * 13 +
          9 * (24 * 128 + 2 * 128 * 128 + 128 * 384 + 2 * 384 * 384 + 384 * 512 + 2 * 512 * 512) +
          6 * (128 + 384 + 512) + 5120);
}

TEST(CifarFast, HeadOfUnitDeviation) {
  const auto model = make_model("cifar_fast", {}, "{widths: [60], head_std: 1}");
  EXPECT_NEAR(model->named_parameters()["linear.weight"].std().item<double>(), 1, 1e-5);
}

TEST(CifarFast, ImagesThatAreTooSmall) {
  EXPECT_NO_THROW(
      make_model("cifar_fast", {1, 9, 9, 10, 1}, kSmall)->forward(at::ones({2, 1, 9, 9})));
  EXPECT_THROW(make_model("cifar_fast", {1, 8, 9, 10, 1}, kSmall), FieldError);
  EXPECT_THROW(make_model("cifar_fast", {}, "{widths: []}"), RecipeError);
}

}  // namespace
}  // namespace onecycle
