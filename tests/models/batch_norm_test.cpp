// Batch norm of groups of samples. Its numbers in a network: pytorch_test.cpp.

#include "nn/layers/batch_norm.h"

#include "onecycle/error.h"

#include "models/support.h"
#include "support/formula.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

#include <ATen/ATen.h>
#include <torch/nn/modules/container/sequential.h>

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

// What training passes over parts of these samples leave, each a norm's input in one step: outputs,
// the input's gradient, those of scale and shift, running statistics.
std::vector<at::Tensor> after_passes(const at::Tensor& samples, const at::Tensor& slopes,
                                     std::int64_t passes, std::optional<std::int64_t> group) {
  BatchNorm norm(samples.size(1), group);
  norm->to(samples.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  {
    const at::NoGradGuard no_grad;
    norm->weight.mul_(1.5);
    norm->bias.add_(0.25);
    norm->running_mean.add_(0.5);
  }
  const StatisticsPass::Norms norms = grouped_norms(*norm);
  const at::Tensor input = samples.clone().requires_grad_();
  std::vector<at::Tensor> outputs;
  const std::int64_t size = samples.size(0) / passes;
  for (std::int64_t i = 0; i < passes; ++i) {
    const StatisticsPass pass(norms, i, passes);
    outputs.push_back(norm->relu(input.narrow(0, i * size, size)));
    (outputs.back() * slopes.narrow(0, i * size, size)).sum().backward();
  }
  return {at::cat(outputs).detach(), input.grad(),      norm->weight.grad(),      norm->bias.grad(),
          norm->running_mean,        norm->running_var, norm->num_batches_tracked};
}

// By ATen's batch norm of each group, and means over the groups by hand.
std::vector<at::Tensor> by_aten(const at::Tensor& samples, const at::Tensor& slopes,
                                std::int64_t group) {
  const std::int64_t channels = samples.size(1);
  const auto filled = [&](double value) { return at::full({channels}, value, at::kDouble); };
  const at::Tensor input =
      samples.to(at::kDouble, /*non_blocking=*/false, /*copy=*/true).requires_grad_();
  const at::Tensor weight = filled(1.5).requires_grad_(), bias = filled(0.25).requires_grad_();
  std::vector<at::Tensor> outputs;
  at::Tensor means = filled(0), variances = filled(0);
  const auto groups = input.split(group);
  for (const at::Tensor& part : groups) {
    const at::Tensor mean = filled(0), variance = filled(0);
    outputs.push_back(
        at::batch_norm(part, weight, bias, mean, variance, true, 1.0, 1e-5, false).relu());
    means += mean / static_cast<double>(groups.size());
    variances += variance / static_cast<double>(groups.size());
  }
  const at::Tensor output = at::cat(outputs);
  (output * slopes.to(at::kDouble)).sum().backward();
  return {output.detach(),    input.grad(),          weight.grad(),          bias.grad(),
          0.45 + 0.1 * means, 0.9 + 0.1 * variances, at::ones({}, at::kLong)};
}

void expect_close(const std::vector<at::Tensor>& found, const std::vector<at::Tensor>& expected,
                  double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const at::Tensor exact = expected[i].to(at::kDouble);
    EXPECT_LT((found[i].to(at::kDouble) - exact).abs().max().item<double>(),
              tolerance * std::max(1.0, exact.abs().max().item<double>()))
        << i;
  }
}

// 32 samples whose level differs from one to the next, in both layouts.
at::Tensor uneven_samples(std::int64_t channels, at::ScalarType type, at::MemoryFormat layout) {
  const std::int64_t count = 32 * channels * 12;
  return (at::tensor(formula("uneven", count, 2), at::kDouble).reshape({32, channels, 3, 4}) +
          at::arange(32).remainder(7).view({32, 1, 1, 1}))
      .to(type)
      .contiguous(layout);
}

TEST(GhostBatchNorm, AStepDoesNotDependOnItsPasses) {
  for (const auto layout : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    const at::Tensor samples = uneven_samples(16, at::kDouble, layout);
    const at::Tensor slopes = samples.flip(0).cos();
    const auto expected = by_aten(samples, slopes, 8);
    for (const std::int64_t passes : {1, 2, 4})
      expect_close(after_passes(samples, slopes, passes, 8), expected, 1e-12);
    EXPECT_GT((after_passes(samples, slopes, 4, {})[4] - expected[4]).abs().max().item<double>(),
              1e-3)
        << "norms without groups take each pass for a batch, as PyTorch's do";
  }
}

TEST(GhostBatchNorm, NorWhereOneOperatorComputesThem) {
  const at::Tensor samples = uneven_samples(16, at::kFloat, at::MemoryFormat::ChannelsLast);
  ASSERT_TRUE(fuses(samples, 4));
  const at::Tensor slopes = samples.flip(0).cos();
  const auto expected = by_aten(samples, slopes, 8);
  for (const std::int64_t passes : {1, 2, 4})
    expect_close(after_passes(samples, slopes, passes, 8), expected, 1e-5);
}

TEST(GhostBatchNorm, OneGroupOfOneOperatorIsTheWholeBatchToTheLastBit) {
  const at::Tensor samples = uneven_samples(16, at::kFloat, at::MemoryFormat::ChannelsLast);
  const at::Tensor slopes = samples.flip(0).cos();
  const auto grouped = after_passes(samples, slopes, 1, 32);
  const auto plain = after_passes(samples, slopes, 1, {});
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_TRUE(grouped[i].equal(plain[i])) << i;
}

TEST(GhostBatchNorm, ANormKnowsOfPassesOnlyWhileTheyLast) {
  BatchNorm norm(3, 2);
  const StatisticsPass::Norms norms = {norm.ptr()};
  { const StatisticsPass pass(norms, 0, 4); }
  norm(images(6));
  BatchNorm other(3, 2);
  other(images(6));
  expect_same_buffers(*norm, *other);
  const torch::nn::Sequential two(BatchNorm(3, 2), BatchNorm(3, std::nullopt));
  EXPECT_EQ(grouped_norms(*two).size(), 1u);
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
