// The gradient of a convolution's weights as a matrix product, against ATen's in double.

#include "model/convolution.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;

struct Shape {
  std::int64_t batch, in, out, height, width, kernel, stride;
};

class WeightGradient : public ::testing::TestWithParam<Shape> {};

TEST_P(WeightGradient, IsATens) {
  const Shape shape = GetParam();
  at::manual_seed(11);
  const std::int64_t pad = shape.kernel / 2, stride = shape.stride;
  const at::Tensor images =
      at::randn({shape.batch, shape.in, shape.height, shape.width}).contiguous(kLayout);
  const at::Tensor weight = at::randn({shape.out, shape.in, shape.kernel, shape.kernel});
  const at::Tensor output = at::conv2d(images, weight, {}, stride, pad);
  const at::Tensor gradient = at::randn_like(output).contiguous(kLayout);
  const at::Tensor expected = std::get<1>(at::convolution_backward(
      gradient.to(at::kDouble), images.to(at::kDouble), weight.to(at::kDouble), {},
      {stride, stride}, {pad, pad}, {1, 1}, false, {0, 0}, 1, {false, true, false}));

  const at::Tensor found = weight_gradient_by_product(images, gradient, shape.kernel, stride);
  EXPECT_TRUE(found.is_contiguous(kLayout));
  EXPECT_LT((found - expected).abs().max().item<double>(),
            1e-5 * expected.abs().max().item<double>());
}

INSTANTIATE_TEST_SUITE_P(Shapes, WeightGradient,
                         ::testing::Values(Shape{5, 6, 4, 4, 4, 3, 1}, Shape{5, 6, 4, 4, 7, 3, 1},
                                           Shape{3, 4, 5, 8, 8, 3, 2}, Shape{3, 4, 5, 7, 9, 3, 2},
                                           Shape{3, 8, 2, 6, 6, 1, 2}, Shape{2, 3, 4, 9, 9, 7, 2},
                                           Shape{4, 5, 3, 1, 1, 3, 1}));

TEST(ImageGradient, IsATens) {
  at::manual_seed(13);
  for (const std::int64_t side : {8, 7}) {
    const at::Tensor images = at::randn({3, 6, side, side + 1}).contiguous(kLayout);
    const at::Tensor weight = at::randn({5, 6, 1, 1});
    const at::Tensor gradient =
        at::randn_like(at::conv2d(images, weight, {}, 2)).contiguous(kLayout);
    const at::Tensor expected = std::get<0>(at::convolution_backward(
        gradient.to(at::kDouble), images.to(at::kDouble), weight.to(at::kDouble), {}, {2, 2},
        {0, 0}, {1, 1}, false, {0, 0}, 1, {true, false, false}));
    const at::Tensor found = image_gradient_by_product(images, gradient, weight, 2);
    EXPECT_TRUE(found.is_contiguous(kLayout));
    EXPECT_TRUE(found.to(at::kDouble).allclose(expected, 1e-5, 1e-5)) << side;
  }
}

at::Tensor bf16(at::IntArrayRef sizes) {
  return at::randn(sizes).to(at::kBFloat16).contiguous(kLayout);
}

TEST(Convolution, TakesTheProductWhereItWasMeasuredToBeFaster) {
  if (!gains_by_product(bf16({2, 512, 4, 4}), bf16({512, 512, 3, 3}), 1))
    GTEST_SKIP() << "this processor has matrix tiles";
  EXPECT_TRUE(gains_by_product(bf16({2, 256, 16, 16}), bf16({512, 256, 3, 3}), 2));
  EXPECT_TRUE(gains_by_product(bf16({2, 256, 8, 8}), bf16({512, 256, 1, 1}), 2));
  EXPECT_FALSE(gains_by_product(bf16({2, 256, 8, 8}), bf16({256, 256, 3, 3}), 1));
  EXPECT_FALSE(gains_by_product(bf16({2, 64, 4, 4}), bf16({64, 64, 3, 3}), 1));
  EXPECT_FALSE(gains_by_product(bf16({2, 256, 4, 4}), bf16({512, 256, 1, 1}), 1));
  EXPECT_FALSE(gains_by_product(bf16({2, 512, 4, 4}), bf16({512, 16, 3, 3}), 1)) << "groups";
  EXPECT_FALSE(gains_by_product(at::randn({2, 512, 4, 4}), at::randn({512, 512, 3, 3}), 1));
}

// As a layer in bf16, whichever way it takes, its gradients are those of torch::nn::Conv2d.
class ConvolutionLayer : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(ConvolutionLayer, IsConv2d) {
  const std::int64_t kernel = GetParam();
  at::manual_seed(12);
  Convolution own(128, 32, kernel, 2);
  own->to(at::kBFloat16);
  own->weight.set_data(own->weight.contiguous(kLayout));
  torch::nn::Conv2d plain(
      torch::nn::Conv2dOptions(128, 32, kernel).stride(2).padding(kernel / 2).bias(false));
  plain->to(at::kDouble);
  plain->weight.set_data(own->weight.detach().to(at::kDouble));
  const at::Tensor images = bf16({6, 128, 8, 8}).set_requires_grad(true);
  const at::Tensor exact = images.detach().to(at::kDouble).set_requires_grad(true);
  const at::Tensor slope = bf16({6, 32, 4, 4});
  (own(images) * slope).sum().backward();
  (plain(exact) * slope.to(at::kDouble)).sum().backward();
  const auto close = [](const at::Tensor& found, const at::Tensor& expected) {
    return (found.to(at::kDouble) - expected).abs().max().item<double>() <
           1e-2 * expected.abs().max().item<double>();
  };
  EXPECT_TRUE(close(images.grad(), exact.grad()));
  EXPECT_TRUE(close(own->weight.grad(), plain->weight.grad()));
}

INSTANTIATE_TEST_SUITE_P(Kernels, ConvolutionLayer, ::testing::Values(1, 3, 7));

}  // namespace
}  // namespace onecycle
