// Batch norm of groups of samples. Its numbers in a network: pytorch_test.cpp.

#include "nn/layers/batch_norm.h"

#include "onecycle/error.h"

#include "models/support.h"
#include "support/formula.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

at::Tensor images(std::int64_t count) {
  return at::tensor(formula("images", count * 3 * 4 * 5, 3), at::kFloat).reshape({count, 3, 4, 5});
}

void expect_same_buffers(const torch::nn::Module& one, const torch::nn::Module& other) {
  const auto first = one.named_buffers(), second = other.named_buffers();
  ASSERT_EQ(first.keys(), second.keys());
  for (const auto& item : first) EXPECT_TRUE(item.value().equal(second[item.key()])) << item.key();
}

TEST(GhostBatchNorm, NamesAreThoseOfBatchNorm2d) {
  const BatchNorm ghost(3, 2);
  const torch::nn::BatchNorm2d plain(3);
  EXPECT_EQ(ghost->named_parameters().keys(), plain->named_parameters().keys());
  expect_same_buffers(*ghost, *plain);
}

TEST(GhostBatchNorm, OneGroupIsBatchNorm2dToTheLastBit) {
  for (const std::optional<std::int64_t> group : {std::optional<std::int64_t>(), {6}, {7}}) {
    BatchNorm ghost(3, group);
    torch::nn::BatchNorm2d plain(3);
    EXPECT_TRUE(ghost(images(6)).equal(plain(images(6))));
    expect_same_buffers(*ghost, *plain);
  }
}

TEST(GhostBatchNorm, GroupsHaveStatisticsOfTheirOwn) {
  BatchNorm ghost(3, 2);
  const at::Tensor found = ghost(images(5));
  at::Tensor means = at::zeros({3}), variances = at::zeros({3});
  for (const at::Tensor& chunk : images(5).split(2)) {
    means += chunk.mean({0, 2, 3}) / 3;
    variances += chunk.var({0, 2, 3}, /*unbiased=*/true) / 3;
  }
  std::int64_t begin = 0;
  for (const at::Tensor& chunk : found.split(2)) {
    EXPECT_LT(chunk.mean({0, 2, 3}).abs().max().item<double>(), 1e-5) << begin;
    EXPECT_LT((chunk.var({0, 2, 3}, false) - 1).abs().max().item<double>(), 1e-4) << begin;
    ++begin;
  }
  EXPECT_TRUE(ghost->running_mean.allclose(0.1 * means));
  EXPECT_TRUE(ghost->running_var.allclose(0.9 + 0.1 * variances));
  EXPECT_EQ(ghost->num_batches_tracked.item<std::int64_t>(), 1);
}

TEST(GhostBatchNorm, EvaluationKnowsNoGroups) {
  BatchNorm ghost(3, 2);
  torch::nn::BatchNorm2d plain(3);
  ghost->eval();
  plain->eval();
  EXPECT_TRUE(ghost(images(5)).equal(plain(images(5))));
  expect_same_buffers(*ghost, *plain);
}

TEST(GhostBatchNorm, ChannelsLastAndBf16) {
  BatchNorm reference(3, 2);
  const at::Tensor expected = reference(images(5));
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    BatchNorm ghost(3, 2);
    const at::Tensor input = images(5).to(type).contiguous(at::MemoryFormat::ChannelsLast);
    input.requires_grad_();
    const at::Tensor found = ghost(input);
    EXPECT_EQ(found.scalar_type(), type);
    EXPECT_TRUE(found.is_contiguous(at::MemoryFormat::ChannelsLast));
    const double tolerance = type == at::kFloat ? 1e-5 : 2e-2;
    EXPECT_LT((found.to(at::kFloat) - expected).abs().max().item<double>(), tolerance);
    EXPECT_EQ(ghost->running_var.scalar_type(), at::kFloat);
    EXPECT_TRUE(ghost->running_var.allclose(reference->running_var, tolerance, tolerance));
    EXPECT_FALSE(ghost->running_var.requires_grad());
    found.sum().backward();
    EXPECT_TRUE(input.grad().isfinite().all().item<bool>());
    EXPECT_EQ(ghost->weight.grad().scalar_type(), at::kFloat);
  }
}

TEST(GhostBatchNorm, OneValueAChannelIsRefusedInOneLine) {
  for (const std::optional<std::int64_t> group : {std::optional<std::int64_t>(), {2}}) {
    BatchNorm norm(3, group);
    const at::Tensor pixels = at::ones({group ? *group + 1 : 1, 3, 1, 1});
    EXPECT_THAT([&] { (void)norm->relu(pixels); }, testing::ThrowsMessage<DataError>(testing::AllOf(
                                                       testing::HasSubstr("data.batch_size"),
                                                       testing::Not(testing::HasSubstr("\n")))));
    EXPECT_EQ(norm->num_batches_tracked.item<std::int64_t>(), 0);
    norm->eval();
    EXPECT_NO_THROW(norm->relu(pixels));
  }
}

TEST(GhostBatchNorm, ModelsWithoutGroupsAreAsBefore) {
  const at::Tensor batch = at::arange(6 * 768).remainder(37).to(at::kFloat).reshape({6, 3, 16, 16});
  for (const std::string name : {"resnet8", "resnet9"}) {
    const auto logits = [&](const std::string& options) {
      return make_model(name, {3, 16, 16, 10, 1}, "{width: 4, " + options + "}")->forward(batch);
    };
    EXPECT_TRUE(logits("bn_batch: 6").equal(logits(""))) << name;
    EXPECT_FALSE(logits("bn_batch: 3").allclose(logits(""), 1e-3, 1e-3)) << name;
  }
}

}  // namespace
}  // namespace onecycle
