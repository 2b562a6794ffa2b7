// Dense layers as one node of the graph, against ATen's operators in double.

#include "nn/ops/dense_stack.h"

#include "nn/ops/matrix_product.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

struct Nets {
  explicit Nets(at::ScalarType type) {
    at::manual_seed(1);
    std::int64_t in = 40;
    for (const std::int64_t out : {24, 17, 5}) {
      layers.push_back({leaf(at::randn({out, in}) / 5, type), leaf(at::randn({out}), type)});
      exact.push_back({leaf(layers.back().weight.detach(), at::kDouble),
                       leaf(layers.back().bias.detach(), at::kDouble)});
      in = out;
    }
    input = leaf(at::randn({9, 40}), type);
    exact_input = leaf(input.detach(), at::kDouble);
  }
  static at::Tensor leaf(const at::Tensor& values, at::ScalarType type) {
    return values.to(type).clone().requires_grad_();
  }
  at::Tensor exact_output() const {
    at::Tensor values = exact_input;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      values = at::linear(values, exact[i].weight, exact[i].bias);
      if (i + 1 < exact.size()) values = values.relu();
    }
    return values;
  }

  std::vector<DenseLayer> layers, exact;
  at::Tensor input, exact_input;
};

void expect_near(const at::Tensor& found, const at::Tensor& expected, double tolerance) {
  ASSERT_TRUE(found.defined());
  EXPECT_LT((found.to(at::kDouble) - expected).abs().max().item<double>(),
            tolerance * expected.abs().max().item<double>());
}

class DenseStackTypes : public ::testing::TestWithParam<std::pair<at::ScalarType, double>> {};

TEST_P(DenseStackTypes, OutputAndGradients) {
  const auto [type, tolerance] = GetParam();
  Nets nets(type);
  const at::Tensor output = dense_stack(nets.input, nets.layers, 0);
  const at::Tensor expected = nets.exact_output();
  expect_near(output, expected, tolerance);
  output.to(at::kDouble).square().sum().backward();
  expected.square().sum().backward();
  expect_near(nets.input.grad(), nets.exact_input.grad(), tolerance);
  for (std::size_t i = 0; i < nets.layers.size(); ++i) {
    expect_near(nets.layers[i].weight.grad(), nets.exact[i].weight.grad(), tolerance);
    expect_near(nets.layers[i].bias.grad(), nets.exact[i].bias.grad(), tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, DenseStackTypes,
                         ::testing::Values(std::pair{at::kDouble, 1e-12},
                                           std::pair{at::kFloat, 1e-5},
                                           std::pair{at::kBFloat16, 4e-2}));

TEST(DenseStack, FrozenWeightsHaveNoGradient) {
  Nets nets(at::kFloat);
  nets.layers[0].weight.requires_grad_(false);
  nets.layers[0].bias.requires_grad_(false);
  dense_stack(nets.input.detach(), nets.layers, 0).square().sum().backward();
  nets.exact_output().square().sum().backward();
  EXPECT_FALSE(nets.layers[0].weight.grad().defined());
  expect_near(nets.layers[1].weight.grad(), nets.exact[1].weight.grad(), 1e-5);
}

TEST(DenseStack, DropoutOfNothingIsTheSame) {
  Nets nets(at::kFloat);
  const at::Tensor output = dense_stack(nets.input, nets.layers, 1e-9);
  EXPECT_TRUE(output.allclose(dense_stack(nets.input, nets.layers, 0), 1e-5, 1e-6));
}

TEST(Product, TakesAnyStrides) {
  at::manual_seed(2);
  const at::Tensor a = at::randn({33, 20}), b = at::randn({33, 7});
  const at::Tensor expected = a.t().to(at::kDouble).mm(b.to(at::kDouble));
  expect_near(product(a.t(), b.t()), expected, 1e-5);
  expect_near(product(a.t().to(at::kBFloat16), b.t().to(at::kBFloat16)), expected, 3e-2);
  expect_near(product(a.t(), b.t(), at::ones({7}), true), (expected + 1).relu(), 1e-5);
}

TEST(Product, OfLargeMatrices) {
  at::manual_seed(3);
  const at::Tensor a = at::randn({200, 150}), b = at::randn({200, 90}), bias = at::randn({90});
  const at::Tensor expected = a.t().to(at::kDouble).mm(b.to(at::kDouble));
  expect_near(product(a.t(), b.t()), expected, 1e-5);
  expect_near(product(a.t(), b.t().contiguous(), bias, true), (expected + bias).relu(), 1e-5);
}

}  // namespace
}  // namespace onecycle
