// The kernels of averages beside at::lerp, which rounds once less: to two units in the last place.

#include "kernels/update/averages.h"

#include "onecycle/on_device.h"

#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include <ATen/ATen.h>

namespace onecycle::kernels {
namespace {

const std::vector<std::int64_t> kSizes = {1, 31, 33, 100'003};

struct Averaged {
  Averaged(std::int64_t size, at::ScalarType type, at::ScalarType narrow)
      : live(at::linspace(-3, 2, size, type)),
        kept(at::cos(at::arange(size, at::TensorOptions(type)))),
        copy(at::zeros({size}, narrow)) {}

  void to(at::Device device) {
    for (at::Tensor* tensor : {&live, &kept, &copy}) *tensor = tensor->to(device);
  }

  UpdateTensor tensor() {
    UpdateTensor result;
    result.weight = live.mutable_data_ptr();
    result.state[0] = kept.mutable_data_ptr();
    result.copy = copy.mutable_data_ptr();
    result.size = live.numel();
    result.type = live.scalar_type() == at::kDouble ? ScalarType::f64 : ScalarType::f32;
    result.copy_type = copy.scalar_type() == at::kHalf ? ScalarType::f16 : ScalarType::bf16;
    return result;
  }

  at::Tensor live, kept, copy;
};

void expect_near(const at::Tensor& found, const at::Tensor& expected) {
  const double unit = expected.scalar_type() == at::kDouble
                          ? std::numeric_limits<double>::epsilon()
                          : static_cast<double>(std::numeric_limits<float>::epsilon());
  EXPECT_LE((found.cpu() - expected).abs().max().item<double>(), 8 * unit);  // of values to 3
}

// `after`: what became of `before` by `numbers`.
void expect_average(const Averaged& after, const Averaged& before, const AverageNumbers& numbers) {
  const at::Tensor kept =
      numbers.moves != 0 ? at::lerp(before.kept, before.live, numbers.weight) : before.kept;
  if (numbers.moves != 0) {
    expect_near(after.kept, kept);
  } else {
    EXPECT_TRUE(after.kept.cpu().equal(kept));
  }
  if (numbers.returns != 0) {
    EXPECT_TRUE(after.live.equal(after.kept));
    EXPECT_TRUE(after.copy.equal(after.kept.to(after.copy.scalar_type())));
  } else {
    EXPECT_TRUE(after.live.cpu().equal(before.live));
    EXPECT_EQ(after.copy.abs().sum().item<double>(), 0) << "only where live changes";
  }
}

const std::vector<AverageNumbers> kNumbers = {{0.3, 0, 0}, {0.01, 1, 0}, {0.5, 1, 0}, {0.9, 1, 1},
                                              {0.2, 1, 1}, {0, 1, 1},    {1, 1, 1},   {0.7, 0, 1}};

TEST(AverageKernel, AsLerpOnCpu) {
  for (const std::int64_t size : kSizes)
    for (const auto type : {at::kFloat, at::kDouble})
      for (const AverageNumbers& numbers : kNumbers) {
        const Averaged before(size, type, at::kBFloat16);
        Averaged after(size, type, size == 31 ? at::kHalf : at::kBFloat16);
        const std::int64_t middle = size / 3;
        average_cpu(after.tensor(), middle, size, &numbers);
        average_cpu(after.tensor(), 0, middle, &numbers);
        expect_average(after, before, numbers);
      }
}

TEST(AverageKernel, NothingOfWeightZeroOrOneIsLost) {
  for (const double weight : {0.0, 1.0}) {
    const Averaged before(33, at::kFloat, at::kHalf);
    Averaged after(33, at::kFloat, at::kHalf);
    const AverageNumbers numbers{weight, 1, 0};
    average_cpu(after.tensor(), 0, 33, &numbers);
    EXPECT_TRUE(after.kept.equal(weight == 0 ? before.kept : before.live));
  }
}

TEST(AverageKernel, AsLerpOnCuda) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  const at::Device device(at::kCUDA, 0);
  for (const auto type : {at::kFloat, at::kDouble})
    for (const AverageNumbers& numbers : kNumbers) {
      std::vector<Averaged> all;
      std::vector<UpdateTensor> tensors;
      for (int i = 0; i < 30; ++i)
        for (const std::int64_t size : kSizes) all.emplace_back(size, type, at::kBFloat16);
      for (Averaged& one : all) {
        one.to(device);
        tensors.push_back(one.tensor());
      }
      const OnDevice<AverageNumbers> there(device, numbers);
      average_cuda(tensors.data(), static_cast<int>(tensors.size()), there.data(),
                   current_stream(device));
      for (const Averaged& after : all)
        expect_average(after, Averaged(after.live.numel(), type, at::kBFloat16), numbers);
    }
}

}  // namespace
}  // namespace onecycle::kernels
