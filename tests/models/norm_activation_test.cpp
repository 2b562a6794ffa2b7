// Batch norm, addition and ReLU or GELU as one operator, against ATen's operators in double.

#include "nn/ops/norm_activation.h"

#include "kernels/batch/gather.h"
#include "nn/layers/batch_norm.h"

#include <gtest/gtest.h>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/function.h>

namespace onecycle {
namespace {

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;

// What goes in, a [N, C, H, W] in double that requires gradients, and its copy in another dtype.
struct Leaf {
  explicit Leaf(at::Tensor values, at::ScalarType type) {
    given = values.to(type);
    if (given.dim() == 4) given = given.contiguous(kLayout);
    exact = given.to(at::kDouble);
    given.requires_grad_();
    exact.requires_grad_();
  }
  void expect_same_gradient(double tolerance, const char* name) const {
    const at::Tensor error = (given.grad().to(at::kDouble) - exact.grad()).abs().max();
    EXPECT_LT(error.item<double>(), tolerance * exact.grad().abs().max().item<double>()) << name;
  }
  at::Tensor given, exact;
};

// Each of the groups by ATen's batch norm.
at::Tensor exact_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      std::int64_t groups = 1) {
  std::vector<at::Tensor> parts;
  for (const at::Tensor& part : x.chunk(groups))
    parts.push_back(std::get<0>(at::native_batch_norm(part, weight, bias, {}, {}, true, 0, 1e-5)));
  return at::cat(parts);
}

struct Kind {
  at::ScalarType type;
  double tolerance;
  std::int64_t groups;
};

class Branched : public ::testing::TestWithParam<Kind> {};

// Both branches go on in ways of their own, as block and shortcut do.
TEST_P(Branched, OutputAndGradients) {
  const auto [type, tolerance, groups] = GetParam();
  at::manual_seed(3);
  const at::Tensor levels = at::arange(6).view({6, 1, 1, 1});  // so that groups differ
  const Leaf x(at::randn({6, 32, 9, 7}) * 2 + levels, type), added(at::randn({6, 32, 9, 7}), type);
  const Leaf weight(at::randn({32}), at::kFloat), bias(at::randn({32}), at::kFloat);
  ASSERT_TRUE(fuses(x.given, groups));
  const at::Tensor one = at::randn({6, 32, 9, 7}), two = at::randn({6, 32, 9, 7});

  const Branches found =
      norm_activation(x.given, added.given, weight.given, bias.given, moments_of(x.given, groups),
                      1e-5, NormOutput::relu_branches);
  ((found.block * one.to(type)).sum() + (found.shortcut * two.to(type)).sum()).backward();
  const at::Tensor expected =
      (exact_norm(x.exact, weight.exact, bias.exact, groups) + added.exact).relu();
  (expected * (one.to(type) + two.to(type)).to(at::kDouble)).sum().backward();

  EXPECT_TRUE(found.block.equal(found.shortcut));
  EXPECT_LT((found.block.to(at::kDouble) - expected).abs().max().item<double>(), 5 * tolerance);
  x.expect_same_gradient(tolerance, "input");
  added.expect_same_gradient(tolerance, "addend");
  weight.expect_same_gradient(tolerance, "weight");
  bias.expect_same_gradient(tolerance, "bias");
}

INSTANTIATE_TEST_SUITE_P(Types, Branched,
                         ::testing::Values(Kind{at::kFloat, 1e-5, 1}, Kind{at::kFloat, 1e-5, 3},
                                           Kind{at::kFloat, 1e-5, 6}, Kind{at::kBFloat16, 2e-2, 1},
                                           Kind{at::kBFloat16, 2e-2, 3}));

class WithGelu : public ::testing::TestWithParam<std::tuple<at::ScalarType, double, bool>> {};

TEST_P(WithGelu, OutputAndGradients) {
  const auto [type, tolerance, adds] = GetParam();
  at::manual_seed(9);
  const Leaf x(at::randn({6, 32, 9, 7}) * 2 + 1, type), added(at::randn({6, 32, 9, 7}), type);
  const Leaf weight(at::randn({32}), at::kFloat), bias(at::randn({32}), at::kFloat);
  const at::Tensor slope = at::randn({6, 32, 9, 7}).to(type);

  const at::Tensor found = norm_activation(x.given, adds ? added.given : at::Tensor(), weight.given,
                                           bias.given, moments_of(x.given), 1e-5, NormOutput::gelu)
                               .block;
  (found * slope).sum().backward();
  const at::Tensor z = exact_norm(x.exact, weight.exact, bias.exact);
  const at::Tensor expected = at::gelu(adds ? z + added.exact : z);
  (expected * slope.to(at::kDouble)).sum().backward();

  EXPECT_LT((found.to(at::kDouble) - expected).abs().max().item<double>(), 5 * tolerance);
  x.expect_same_gradient(tolerance, "input");
  if (adds) added.expect_same_gradient(tolerance, "addend");
  weight.expect_same_gradient(tolerance, "weight");
  bias.expect_same_gradient(tolerance, "bias");
}

INSTANTIATE_TEST_SUITE_P(Types, WithGelu,
                         ::testing::Values(std::tuple{at::kFloat, 1e-5, false},
                                           std::tuple{at::kFloat, 1e-5, true},
                                           std::tuple{at::kBFloat16, 2e-2, false},
                                           std::tuple{at::kBFloat16, 2e-2, true}));

TEST(NormActivation, AnUnusedBranchHasNoGradient) {
  at::manual_seed(4);
  const Leaf x(at::randn({4, 16, 5, 5}), at::kFloat);
  const Leaf weight(at::randn({16}), at::kFloat), bias(at::randn({16}), at::kFloat);
  const Branches found = norm_activation(x.given, {}, weight.given, bias.given, moments_of(x.given),
                                         1e-5, NormOutput::relu_branches);
  found.shortcut.square().sum().backward();
  exact_norm(x.exact, weight.exact, bias.exact).relu().square().sum().backward();
  x.expect_same_gradient(1e-5, "input");
  weight.expect_same_gradient(1e-5, "weight");
}

// A network's last block hands its gradient on as one number a picture, of stride 0.
TEST(NormActivation, TakesGradientsOfAnyLayout) {
  at::manual_seed(5);
  const Leaf x(at::randn({4, 16, 5, 5}), at::kFloat);
  const Leaf weight(at::randn({16}), at::kFloat), bias(at::randn({16}), at::kFloat);
  norm_activation(x.given, {}, weight.given, bias.given, moments_of(x.given), 1e-5,
                  NormOutput::relu)
      .block.mean({2, 3})
      .square()
      .sum()
      .backward();
  exact_norm(x.exact, weight.exact, bias.exact).relu().mean({2, 3}).square().sum().backward();
  x.expect_same_gradient(1e-5, "input");
}

TEST(NormActivation, MomentsOfValuesFarFromZero) {
  at::manual_seed(6);
  const at::Tensor x = (at::randn({20, 16, 16, 16}) + 3000).contiguous(kLayout);
  const BatchMoments moments = moments_of(x);
  const auto [variance, mean] = at::var_mean(x.to(at::kDouble), at::IntArrayRef({0, 2, 3}), false);
  EXPECT_LT((moments.mean - mean).abs().max().item<double>(), 1e-3);
  EXPECT_LT((moments.variance - variance).abs().max().item<double>(), 1e-3);
}

TEST(NormActivation, MomentsDoNotDependOnThreads) {
  at::manual_seed(7);
  const at::Tensor x = at::randn({16, 32, 32, 32}).contiguous(kLayout);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const BatchMoments one = moments_of(x);
  at::set_num_threads(3);
  const BatchMoments three = moments_of(x);
  at::set_num_threads(threads);
  EXPECT_TRUE(one.mean.equal(three.mean));
  EXPECT_TRUE(one.variance.equal(three.variance));
}

// Whatever stands beside it: more rows than a range holds, and fewer.
TEST(NormActivation, AGroupIsABatchOfItsOwnToTheLastBit) {
  at::manual_seed(10);
  for (const std::int64_t side : {24, 3}) {
    const at::Tensor values = at::randn({6, 16, side, side}).contiguous(kLayout);
    const at::Tensor weight = at::randn({16}), bias = at::randn({16});
    const at::Tensor slope = at::randn_like(values);
    const auto output_and_gradient = [&](const at::Tensor& input, const at::Tensor& by,
                                         std::int64_t groups) {
      const at::Tensor leaf = input.clone(kLayout).requires_grad_();
      const at::Tensor output =
          norm_activation(leaf, {}, weight, bias, moments_of(leaf, groups), 1e-5, NormOutput::relu)
              .block;
      (output * by).sum().backward();
      return std::pair{output.detach(), leaf.grad()};
    };
    const auto [output, gradient] = output_and_gradient(values, slope, 3);
    for (std::int64_t first = 0; first < 6; first += 2) {
      const auto alone =
          output_and_gradient(values.narrow(0, first, 2), slope.narrow(0, first, 2), 1);
      EXPECT_TRUE(output.narrow(0, first, 2).equal(alone.first)) << side << " " << first;
      EXPECT_TRUE(gradient.narrow(0, first, 2).equal(alone.second)) << side << " " << first;
    }
  }
}

TEST(NormActivation, LeavesToATenWhatItDoesNotTake) {
  EXPECT_TRUE(fuses(at::zeros({2, 16, 3, 3}).contiguous(kLayout)));
  EXPECT_FALSE(fuses(at::zeros({2, 16, 3, 3})));
  EXPECT_FALSE(fuses(at::zeros({2, 24, 3, 3}).contiguous(kLayout)));
  EXPECT_FALSE(fuses(at::zeros({2, 16, 3, 3}, at::kDouble).contiguous(kLayout)));
  EXPECT_FALSE(fuses(at::zeros({1, 16, 1, 1}).contiguous(kLayout)));
  EXPECT_TRUE(fuses(at::zeros({4, 16, 1, 1}).contiguous(kLayout), 2));
  EXPECT_FALSE(fuses(at::zeros({4, 16, 1, 1}).contiguous(kLayout), 4)) << "one value a channel";
  EXPECT_FALSE(fuses(at::zeros({4, 16, 3, 3}).contiguous(kLayout), 3));
}

TEST(NormActivation, IsLeftToATenWhereItIsOff) {
  at::manual_seed(8);
  const at::Tensor x = at::randn({7, 16, 6, 6}).contiguous(kLayout);
  EXPECT_TRUE(fuses(x, 1, FusedNorms::on));
  EXPECT_FALSE(fuses(x, 1, FusedNorms::off));
  BatchNorm norm(16, std::nullopt);
  EXPECT_NE(norm->forward(x).grad_fn()->name().find("NormActivation"), std::string::npos);
  fuse_norms(*norm, FusedNorms::off);
  EXPECT_EQ(norm->forward(x).grad_fn()->name().find("NormActivation"), std::string::npos);
}

void expect_as_in_double_on_cuda(at::IntArrayRef sizes, at::ScalarType type, double tolerance) {
  const auto on_gpu = [](const at::Tensor& values) { return values.to(at::kCUDA); };
  const std::int64_t channels = sizes[1];
  const Leaf x(on_gpu(at::randn(sizes) * 2 + 1), type), added(on_gpu(at::randn(sizes)), type);
  const at::Tensor one = on_gpu(at::randn(sizes)).to(type), two = on_gpu(at::randn(sizes)).to(type);
  BatchNorm norm(channels, std::nullopt);
  torch::nn::BatchNorm2d plain(channels);
  norm->to(at::kCUDA);
  plain->to(at::kCUDA, at::kDouble);
  fuse_norms(*norm, FusedNorms::on);
  ASSERT_TRUE(fuses(x.given, 1, FusedNorms::on));
  EXPECT_FALSE(fuses(x.given));  // until docs/gpu.md names a card

  const Branches found = norm->branches(x.given, added.given);
  ((found.block * one).sum() + (found.shortcut * two).sum()).backward();
  const at::Tensor z = plain(x.exact) + added.exact;
  const at::Tensor expected = z.relu();
  (expected * (one.to(at::kDouble) + two.to(at::kDouble))).sum().backward();
  const auto near = [&](const at::Tensor& a, const at::Tensor& b) {
    return (a.to(at::kDouble) - b).abs().max().item<double>() < 5 * tolerance;
  };
  EXPECT_TRUE(near(found.block, expected));
  EXPECT_TRUE(near(norm->running_mean, plain->running_mean));
  EXPECT_TRUE(near(norm->running_var, plain->running_var));
  x.expect_same_gradient(tolerance, "input");
  added.expect_same_gradient(tolerance, "addend");
  const double of_sums = 20 * tolerance;
  EXPECT_TRUE(norm->weight.grad().to(at::kDouble).allclose(plain->weight.grad(), of_sums, of_sums));
  EXPECT_TRUE(norm->bias.grad().to(at::kDouble).allclose(plain->bias.grad(), of_sums, of_sums));
}

TEST(NormActivation, CudaEqualsDouble) {
  if (!kernels::has_cuda_kernels()) GTEST_SKIP() << "this build has no CUDA kernels";
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  at::manual_seed(9);
  for (const auto& [type, tolerance] :
       {std::pair{at::kFloat, 1e-5}, {at::kBFloat16, 2e-2}, {at::kHalf, 3e-3}}) {
    expect_as_in_double_on_cuda({6, 32, 9, 7}, type, tolerance);
    expect_as_in_double_on_cuda({5, 3, 9, 7}, type, tolerance);
    expect_as_in_double_on_cuda({33, 512, 1, 1}, type, tolerance);
  }
}

// As a layer: statistics and output of torch::nn::BatchNorm2d, in training and evaluation.
TEST(NormActivation, IsBatchNorm2dAsALayer) {
  at::manual_seed(8);
  BatchNorm own(16, std::nullopt);
  torch::nn::BatchNorm2d plain(16);
  const at::Tensor x = (at::randn({7, 16, 6, 6}) * 3 - 1).contiguous(kLayout);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(own->relu(x + i).allclose(plain(x + i).relu(), 1e-5, 1e-5));
  EXPECT_TRUE(own->running_mean.allclose(plain->running_mean, 1e-5, 1e-6));
  EXPECT_TRUE(own->running_var.allclose(plain->running_var, 1e-5, 1e-6));
  EXPECT_TRUE(own->num_batches_tracked.equal(plain->num_batches_tracked));
  own->eval();
  plain->eval();
  EXPECT_TRUE(own(x).allclose(plain(x), 1e-5, 1e-5));
}

}  // namespace
}  // namespace onecycle
