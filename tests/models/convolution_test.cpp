// The direct convolution and its gradients, against ATen's in double.

#include "nn/layers/convolution.h"

#include "kernels/convolution/direct_convolution.h"
#include "nn/ops/direct_convolution.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {
namespace {

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;

struct Shape {
  std::int64_t batch, in, out, height, width, kernel, stride;
  std::int64_t pad = kernel / 2;
};

void PrintTo(const Shape& shape, std::ostream* out) {
  *out << shape.batch << " x " << shape.in << " -> " << shape.out << " of " << shape.height << " x "
       << shape.width << ", kernel " << shape.kernel << ", stride " << shape.stride << ", pad "
       << shape.pad;
}

at::Tensor bf16(at::IntArrayRef sizes) {
  return at::randn(sizes).to(at::kBFloat16).contiguous(kLayout);
}

// Rounded to bf16 once, and summed up in fp32.
void expect_close(const at::Tensor& found, const at::Tensor& expected) {
  EXPECT_TRUE(found.is_contiguous(kLayout));
  EXPECT_EQ(found.scalar_type(), at::kBFloat16);
  ASSERT_EQ(found.sizes(), expected.sizes());
  const at::Tensor error = (found.to(at::kDouble) - expected).abs();
  const at::Tensor bound = expected.abs() / 256 + 1e-4 * expected.abs().max();
  EXPECT_TRUE((error <= bound).all().item<bool>()) << error.max();
}

class Direct : public ::testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (kernels::direct_convolution() == nullptr)
      GTEST_SKIP() << "this processor has no AVX-512 BF16, or has matrix tiles";
  }
};

TEST_P(Direct, IsATens) {
  const Shape shape = GetParam();
  at::manual_seed(11);
  const ConvolutionStep step = {shape.stride, shape.pad};
  const at::Tensor images = bf16({shape.batch, shape.in, shape.height, shape.width});
  const at::Tensor weight = bf16({shape.out, shape.in, shape.kernel, shape.kernel});
  ASSERT_TRUE(convolves_directly(images, weight, step));
  const at::Tensor exact = images.to(at::kDouble), exact_weight = weight.to(at::kDouble);
  const at::Tensor output = at::conv2d(exact, exact_weight, {}, shape.stride, shape.pad);
  expect_close(direct_convolution(images, weight, step), output);

  const at::Tensor gradient = bf16(output.sizes());
  const auto [image_gradient, weight_gradient, none] = at::convolution_backward(
      gradient.to(at::kDouble), exact, exact_weight, {}, {shape.stride, shape.stride},
      {shape.pad, shape.pad}, {1, 1}, false, {0, 0}, 1, {true, true, false});
  expect_close(direct_image_gradient(gradient, weight, images.sizes(), step), image_gradient);
  const int threads = at::get_num_threads();
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    expect_close(direct_weight_gradient(images, gradient, shape.kernel, step), weight_gradient);
  }
  at::set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Direct,
    ::testing::Values(
        Shape{8, 16, 16, 8, 8, 3, 1}, Shape{9, 16, 16, 6, 12, 3, 1}, Shape{11, 32, 64, 5, 7, 3, 1},
        Shape{8, 64, 32, 4, 4, 3, 1}, Shape{10, 24, 40, 6, 6, 3, 1}, Shape{8, 16, 32, 8, 8, 3, 2},
        Shape{9, 32, 16, 7, 9, 3, 2}, Shape{8, 32, 64, 8, 8, 1, 2}, Shape{8, 48, 32, 5, 5, 1, 1},
        Shape{13, 4, 24, 6, 6, 2, 1, 0}, Shape{8, 6, 8, 9, 9, 7, 2}, Shape{8, 16, 16, 3, 2, 5, 1},
        Shape{8, 34, 8, 1, 1, 3, 1}, Shape{8, 2, 8, 4, 8, 3, 1}, Shape{8, 10, 16, 7, 7, 3, 3},
        Shape{9, 3, 16, 8, 8, 3, 1}, Shape{8, 5, 64, 9, 8, 3, 2}, Shape{8, 1, 8, 6, 6, 7, 1},
        Shape{8, 256, 256, 3, 3, 3, 1}, Shape{40, 16, 24, 16, 16, 3, 1},
        Shape{64, 32, 32, 16, 16, 3, 1}));

TEST(Direct, IsNotForAllThereIs) {
  if (kernels::direct_convolution() == nullptr)
    GTEST_SKIP() << "this processor has no AVX-512 BF16, or has matrix tiles";
  const at::Tensor images = bf16({8, 16, 4, 4}), weight = bf16({32, 16, 3, 3});
  const ConvolutionStep step = {1, 1};
  EXPECT_TRUE(convolves_directly(images, weight, step));
  EXPECT_FALSE(convolves_directly(bf16({7, 16, 4, 4}), weight, step)) << "too few images";
  EXPECT_FALSE(convolves_directly(images, bf16({12, 16, 3, 3}), step)) << "12 filters";
  EXPECT_FALSE(convolves_directly(images, bf16({32, 8, 3, 3}), step)) << "groups";
  EXPECT_FALSE(convolves_directly(images.to(at::kFloat), weight.to(at::kFloat), step));
  EXPECT_FALSE(convolves_directly(images.contiguous(), weight, step)) << "channels first";
  EXPECT_FALSE(convolves_directly(bf16({8, 16, 1, 1}), weight, {1, 0})) << "nothing comes out";
  EXPECT_FALSE(convolves_directly(bf16({8, 16, 1, 1}), weight, {3, 0})) << "nothing comes out";
  EXPECT_FALSE(convolves_directly(bf16({8, 16, 0, 4}), weight, {2, 1})) << "no pixels";
}

// As a layer in bf16, whichever way it takes, its gradients are those of torch::nn::Conv2d.
class ConvolutionLayer : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(ConvolutionLayer, IsConv2d) {
  const std::int64_t kernel = GetParam();
  at::manual_seed(12);
  for (const std::int64_t batch : {6, 12}) {
    Convolution own(128, 32, kernel, 2);
    own->to(at::kBFloat16);
    own->weight.set_data(own->weight.contiguous(kLayout));
    torch::nn::Conv2d plain(
        torch::nn::Conv2dOptions(128, 32, kernel).stride(2).padding(kernel / 2).bias(false));
    plain->to(at::kDouble);
    plain->weight.set_data(own->weight.detach().to(at::kDouble));
    const at::Tensor images = bf16({batch, 128, 8, 8}).set_requires_grad(true);
    const at::Tensor exact = images.detach().to(at::kDouble).set_requires_grad(true);
    const at::Tensor slope = bf16({batch, 32, 4, 4});
    (own(images) * slope).sum().backward();
    (plain(exact) * slope.to(at::kDouble)).sum().backward();
    const auto close = [](const at::Tensor& found, const at::Tensor& expected) {
      return (found.to(at::kDouble) - expected).abs().max().item<double>() <
             1e-2 * expected.abs().max().item<double>();
    };
    EXPECT_TRUE(close(images.grad(), exact.grad()));
    EXPECT_TRUE(close(own->weight.grad(), plain->weight.grad()));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, ConvolutionLayer, ::testing::Values(1, 3, 7));

}  // namespace
}  // namespace onecycle
