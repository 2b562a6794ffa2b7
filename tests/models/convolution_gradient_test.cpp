// Convolutions of every kind through ATen, against products of matrices in double. The canaries
// watch what oneDNN writes.

#include "onecycle/convolution_gradient.h"

#include "onecycle/models.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <numeric>
#include <tuple>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/nn/modules/conv.h>

namespace onecycle {
namespace {

struct Threads {
  explicit Threads(int count) : before(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  int before;
};

at::Tensor leaf(const at::Tensor& values, at::MemoryFormat layout = at::MemoryFormat::Contiguous) {
  return values.contiguous(layout).detach().requires_grad_();
}

// A square convolution whose padding is half its kernel, [N, C, H, W].
struct Convolution {
  at::Tensor images, weight, bias;  // leaves; a bias may be undefined
  std::int64_t stride = 1;

  std::int64_t pad() const { return weight.size(2) / 2; }
  at::Tensor output() const { return at::conv2d(images, weight, bias, stride, pad()); }

  // The same in double, by no operator that convolves.
  Convolution exact() const {
    const auto same = [](const at::Tensor& values) {
      return values.defined() ? leaf(values.detach().to(at::kDouble)) : at::Tensor();
    };
    return {same(images), same(weight), same(bias), stride};
  }
  at::Tensor exact_output() const {
    const std::int64_t kernel = weight.size(2);
    const auto columns =
        at::im2col(images, {kernel, kernel}, {1, 1}, {pad(), pad()}, {stride, stride});
    const std::int64_t height = (images.size(2) + 2 * pad() - kernel) / stride + 1;
    const at::Tensor sums =
        at::matmul(weight.flatten(1), columns).view({images.size(0), weight.size(0), height, -1});
    return bias.defined() ? sums + bias.view({-1, 1, 1}) : sums;
  }
};

void expect_close(const at::Tensor& found, const at::Tensor& expected, double precision,
                  const char* what) {
  ASSERT_EQ(found.sizes(), expected.sizes()) << what;
  const double error = (found.to(at::kDouble) - expected).abs().max().item<double>();
  EXPECT_LE(error, precision * expected.abs().max().item<double>()) << what;
}

void expect_right(const Convolution& found, double precision = 1e-5) {
  const Convolution expected = found.exact();
  const at::Tensor output = found.output(), exact_output = expected.exact_output();
  const at::Tensor gradient = at::randn_like(output);
  output.backward(gradient);
  exact_output.backward(gradient.to(at::kDouble));
  expect_close(output, exact_output, precision, "output");
  expect_close(found.images.grad(), expected.images.grad(), precision, "gradient of images");
  expect_close(found.weight.grad(), expected.weight.grad(), precision, "gradient of weights");
  if (found.bias.defined())
    expect_close(found.bias.grad(), expected.bias.grad(), precision, "gradient of the bias");
}

std::vector<std::int64_t> channels(std::vector<std::int64_t> sample) {
  if (std::getenv("ONECYCLE_ALL_CHANNELS") == nullptr) return sample;
  std::vector<std::int64_t> all(33);
  std::iota(all.begin(), all.end(), 1);
  return all;
}

using Kind = std::tuple<std::int64_t, std::int64_t, at::MemoryFormat, int>;

class Convolutions : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { builtin_models(); }  // who asks for a model has them repaired
};

// A tenth of all pairs of up to 33 channels, and all of them where ONECYCLE_ALL_CHANNELS is set.
TEST_P(Convolutions, AreRightAndStayInTheirMemory) {
  const auto [kernel, stride, layout, threads] = GetParam();
  const Threads scope(threads);
  at::manual_seed(17);
  for (const std::int64_t in : channels({1, 2, 3, 5, 6, 7, 8, 9, 12, 15, 16, 17, 33}))
    for (const std::int64_t out : channels({1, 3, 8, 10, 12, 16, 17, 33})) {
      SCOPED_TRACE(::testing::Message() << in << " -> " << out << " channels");
      expect_right({leaf(at::randn({4, in, 8, 8}), layout),
                    leaf(at::randn({out, in, kernel, kernel}), layout),
                    {},
                    stride});
      if (HasFailure()) return;
    }
}

std::string name_of(const ::testing::TestParamInfo<Kind>& info) {
  const auto [kernel, stride, layout, threads] = info.param;
  const std::string k = std::to_string(kernel);
  return k + "x" + k + "_stride" + std::to_string(stride) +
         (layout == at::MemoryFormat::ChannelsLast ? "_nhwc_" : "_nchw_") +
         std::to_string(threads) + (threads == 1 ? "thread" : "threads");
}

INSTANTIATE_TEST_SUITE_P(, Convolutions,
                         ::testing::Combine(::testing::Values(1, 3), ::testing::Values(1, 2),
                                            ::testing::Values(at::MemoryFormat::ChannelsLast,
                                                              at::MemoryFormat::Contiguous),
                                            ::testing::Values(1, 2)),
                         name_of);

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

class StridedPointwise : public ::testing::TestWithParam<int> {
 protected:
  StridedPointwise() : threads_(GetParam()) { repair_convolution_gradients(); }

 private:
  Threads threads_;
};

TEST_P(StridedPointwise, WithABias) {
  for (const std::int64_t in : {1, 6, 12})
    expect_right({leaf(at::randn({4, in, 16, 16}), kLast), leaf(at::randn({10, in, 1, 1}), kLast),
                  leaf(at::randn({10})), 2});
}

TEST_P(StridedPointwise, WithABiasThatAloneTrains) {
  Convolution found = {leaf(at::randn({4, 5, 16, 16}), kLast),
                       leaf(at::randn({10, 5, 1, 1}), kLast), leaf(at::randn({10})), 2};
  found.images.set_requires_grad(false);
  found.weight.set_requires_grad(false);
  found.output().sum().backward();
  EXPECT_TRUE(at::equal(found.bias.grad(), at::full({10}, 4.0 * 8 * 8)));
}

TEST_P(StridedPointwise, OfPicturesThatTheStrideDoesNotDivide) {
  for (const std::int64_t stride : {2, 3, 4})
    expect_right({leaf(at::randn({4, 6, 15, 16}), kLast),
                  leaf(at::randn({12, 6, 1, 1}), kLast),
                  {},
                  stride});
}

TEST_P(StridedPointwise, InBFloat16) {
  expect_right({leaf(at::randn({8, 6, 16, 16}).to(at::kBFloat16), kLast),
                leaf(at::randn({12, 6, 1, 1}).to(at::kBFloat16), kLast),
                {},
                2},
               .02);
}

TEST_P(StridedPointwise, InAModuleOfTheUsers) {
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(6, 12, 1).stride(2).bias(false));
  layer->to(at::kFloat);
  layer->weight.set_data(layer->weight.contiguous(kLast));
  const Convolution same = {leaf(at::randn({8, 6, 16, 16}), kLast), layer->weight, {}, 2};
  const Convolution expected = same.exact();
  layer->forward(same.images).sum().backward();
  expected.exact_output().sum().backward();
  expect_close(layer->weight.grad(), expected.weight.grad(), 1e-5, "gradient of weights");
}

// A row of pixels whose channels lie together is a picture of height one to oneDNN.
TEST_P(StridedPointwise, OfOneDimension) {
  const at::Tensor values = at::randn({4, 64, 6});
  const at::Tensor rows = values.clone().requires_grad_();
  const at::Tensor weight = leaf(at::randn({12, 6, 1}));
  const at::Tensor output = at::conv1d(rows.transpose(1, 2), weight, {}, 2);
  const at::Tensor gradient = at::randn_like(output);
  output.backward(gradient);
  const at::Tensor met = values.slice(1, 0, 64, 2).to(at::kDouble);
  expect_close(weight.grad(),
               at::einsum("nop,npi->oi", {gradient.to(at::kDouble), met}).unsqueeze(2), 1e-5,
               "gradient of weights");
}

TEST_P(StridedPointwise, TheOtherWayRound) {
  const at::Tensor images = leaf(at::randn({4, 15, 6, 6}), kLast);
  const at::Tensor weight = leaf(at::randn({15, 2, 1, 1}), kLast), bias = leaf(at::randn({2}));
  const at::Tensor output = at::conv_transpose2d(images, weight, bias, 2, 0, /*output_padding=*/1);
  const at::Tensor gradient = at::randn_like(output);
  output.backward(gradient);
  const at::Tensor exact = gradient.to(at::kDouble);
  const at::Tensor met = exact.slice(2, 0, 12, 2).slice(3, 0, 12, 2);
  const auto weight_gradient = at::einsum("nihw,nohw->io", {images.detach().to(at::kDouble), met});
  expect_close(weight.grad().flatten(1), weight_gradient, 1e-5, "gradient of weights");
  expect_close(bias.grad(), exact.sum({0, 2, 3}), 1e-5, "gradient of the bias");
  expect_close(images.grad(),
               at::einsum("io,nohw->nihw", {weight.detach().flatten(1).to(at::kDouble), met}), 1e-5,
               "gradient of images");
}

INSTANTIATE_TEST_SUITE_P(Threads, StridedPointwise, ::testing::Values(1, 2));

}  // namespace
}  // namespace onecycle
