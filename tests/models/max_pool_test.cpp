// Pooling against ATen's, to the last bit.

#include "nn/ops/max_pool.h"

#include "kernels/pool/max_pool.h"

#include <cmath>
#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;

void expect_same(at::Tensor images) {
  at::Tensor own = images.contiguous(kLayout).requires_grad_();
  at::Tensor other = images.clone().requires_grad_();
  const at::Tensor found = max_pool_halved(own);
  const at::Tensor expected = at::max_pool2d(other, 2);
  EXPECT_TRUE(at::equal(found.nan_to_num(7), expected.nan_to_num(7)));
  const at::Tensor gradient = at::randn(found.sizes()).to(found.scalar_type());
  found.backward(gradient);
  expected.backward(gradient);
  EXPECT_TRUE(own.grad().equal(other.grad())) << images.sizes();
}

TEST(MaxPool, IsATensInEverySizeAndType) {
  at::manual_seed(1);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kDouble})
    for (const auto& [channels, height, width] :
         {std::array<std::int64_t, 3>{16, 8, 8}, {48, 7, 9}, {64, 31, 31}, {16, 2, 3}, {20, 6, 6}})
      expect_same(at::randn({3, channels, height, width}).to(type));
}

TEST(MaxPool, LargerThanTheCaches) {
  at::manual_seed(2);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
    expect_same(at::randn({40, 64, 41, 41}).to(type));
}

TEST(MaxPool, TheFirstOfEqualsIsChosen) {
  expect_same(at::zeros({2, 16, 5, 4}));
  expect_same(at::randint(0, 2, {4, 32, 6, 6}).to(at::kFloat));
}

TEST(MaxPool, NaNIsAboveAll) {
  at::Tensor images = at::ones({1, 16, 4, 4});
  images[0][3][1][0] = std::nanf("");
  images[0][5][2][2] = std::nanf("");
  expect_same(images);
}

TEST(MaxPool, BothVersionsAgree) {
  at::manual_seed(2);
  const at::Tensor images = at::randn({5, 32, 9, 9}).contiguous(kLayout);
  const kernels::PoolImages shape{kernels::ScalarType::f32, 9, 9, 32};
  const auto run = [&](const kernels::MaxPoolCpu& version) {
    at::Tensor output = at::empty({5, 4, 4, 32}), back = at::empty({5, 9, 9, 32});
    at::Tensor choice = at::empty({5, 4, 4, 32}, at::kByte);
    version.forward(shape, images.data_ptr(), output.data_ptr(), choice.data_ptr<std::uint8_t>(), 0,
                    20);
    version.backward(shape, output.data_ptr(), choice.data_ptr<std::uint8_t>(), back.data_ptr(), 0,
                     20);
    return at::cat({output.flatten(), choice.flatten().to(at::kFloat), back.flatten()});
  };
  EXPECT_TRUE(run(kernels::max_pool_cpu()).equal(run(kernels::generic_max_pool_cpu())));
}

}  // namespace
}  // namespace onecycle
