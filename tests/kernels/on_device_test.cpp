#include "onecycle/on_device.h"

#include "kernels/batch/gather.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

struct Mixed {
  float scale = 8;
  std::int32_t count = 3;
  double rate = .1;
  std::int64_t steps = 1;
};

struct Single {
  std::int64_t value = 5;
};

void check(at::Device device) {
  OnDevice<Mixed> mixed(device);
  EXPECT_EQ(mixed.words().device().type(), device.type());
  EXPECT_EQ(mixed.read().scale, 8);
  EXPECT_EQ(OnDevice<Mixed>(device, {1, 2, .3, 4}).read().steps, 4);

  // What was asked for before a write sees it, and the host sees what was written there.
  const void* place = mixed.data();
  const at::Tensor scale = mixed.member(&Mixed::scale), count = mixed.member(&Mixed::count);
  const at::Tensor rate = mixed.member(&Mixed::rate), steps = mixed.member(&Mixed::steps);
  mixed.write({.5, -7, 1e-300, std::int64_t{1} << 60});
  EXPECT_EQ(mixed.data(), place);
  EXPECT_EQ(scale.dim(), 0);
  EXPECT_EQ(scale.item<float>(), .5);
  EXPECT_EQ(count.item<std::int32_t>(), -7);
  EXPECT_EQ(rate.item<double>(), 1e-300);
  EXPECT_EQ(steps.item<std::int64_t>(), std::int64_t{1} << 60);
  count.add_(9);
  rate.fill_(2);
  const Mixed read = mixed.read();
  EXPECT_EQ(read.scale, .5);
  EXPECT_EQ(read.count, 2);
  EXPECT_EQ(read.rate, 2);
  EXPECT_EQ(read.steps, std::int64_t{1} << 60);

  // Two in one copy.
  OnDevice<Single> single(device);
  const at::Tensor both = at::cat({single.words(), mixed.words()}).cpu();
  EXPECT_EQ(single.value_in(both).value, 5);
  EXPECT_EQ(mixed.value_in(both, 1).count, 2);
}

TEST(OnDevice, OnTheCpu) { check(at::kCPU); }

TEST(OnDevice, OnAGpu) {
  if (!kernels::has_cuda_kernels()) GTEST_SKIP() << "this build has no CUDA kernels";
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  check(at::kCUDA);
}

}  // namespace
}  // namespace onecycle
