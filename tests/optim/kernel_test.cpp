// The update kernels on parts of a tensor, without LibTorch.

#include "kernels/adamw.h"
#include "kernels/sgd.h"
#include "support/formula.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <vector>

namespace onecycle {
namespace {

using kernels::BFloat16;
using kernels::ScalarType;

constexpr std::int64_t kSize = 1001;
constexpr double kHyper[4] = {0.1, 0.9, 0.05, 3};

using CpuUpdate = std::function<void(const kernels::UpdateTensor&, std::int64_t, std::int64_t)>;

CpuUpdate sgd(const UpdateRule& rule) {
  return [rule](const kernels::UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
    kernels::sgd_cpu(tensor, begin, end, rule, kHyper);
  };
}
CpuUpdate adamw(DecayMode decay) {
  return [decay](const kernels::UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
    kernels::adamw_cpu(tensor, begin, end, {decay, 0.5}, kHyper);
  };
}

template <class T>
std::vector<T> numbers(const std::string& name) {
  const auto wide = formula(name, kSize, 2);
  return std::vector<T>(wide.begin(), wide.end());
}

std::vector<BFloat16> narrowed(const std::vector<float>& values) {
  std::vector<BFloat16> result;
  for (const float value : values) result.push_back(kernels::to_bfloat16(value));
  return result;
}

template <class T>
struct State {
  std::vector<T> weight = numbers<T>("weight");
  std::vector<T> first = numbers<T>("first");
  std::vector<T> second = std::vector<T>(kSize, 1);
  std::vector<BFloat16> copy = std::vector<BFloat16>(kSize);

  std::vector<std::uint16_t> copied_bits() const {
    std::vector<std::uint16_t> bits;
    for (const BFloat16 value : copy) bits.push_back(value.bits);
    return bits;
  }
};

template <class T>
State<T> updated(const void* gradient, ScalarType gradient_type, const CpuUpdate& update,
                 const std::vector<std::int64_t>& cuts) {
  State<T> state;
  kernels::UpdateTensor tensor;
  tensor.weight = state.weight.data();
  tensor.state[0] = state.first.data();
  tensor.state[1] = state.second.data();
  tensor.gradient = gradient;
  tensor.copy = state.copy.data();
  tensor.size = kSize;
  tensor.type = sizeof(T) == 8 ? ScalarType::f64 : ScalarType::f32;
  tensor.gradient_type = gradient_type;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) update(tensor, cuts[i], cuts[i + 1]);
  return state;
}

template <class T>
void check_parts(const void* gradient, ScalarType gradient_type, const CpuUpdate& update) {
  const auto whole = updated<T>(gradient, gradient_type, update, {0, kSize});
  const auto parts = updated<T>(gradient, gradient_type, update, {0, 1, 17, 17, 512, 999, kSize});
  EXPECT_EQ(whole.weight, parts.weight);
  EXPECT_EQ(whole.first, parts.first);
  EXPECT_EQ(whole.second, parts.second);
  EXPECT_EQ(whole.copied_bits(), parts.copied_bits());
  EXPECT_NE(whole.weight, numbers<T>("weight"));
}

void check_types(const CpuUpdate& update) {
  const auto single = numbers<float>("gradient");
  const auto wide = numbers<double>("gradient");
  const auto narrow = narrowed(single);
  check_parts<float>(single.data(), ScalarType::f32, update);
  check_parts<float>(narrow.data(), ScalarType::bf16, update);
  check_parts<double>(wide.data(), ScalarType::f64, update);
  check_parts<double>(narrow.data(), ScalarType::bf16, update);
}

constexpr DecayMode kModes[] = {DecayMode::decoupled, DecayMode::independent, DecayMode::l2};

TEST(SgdKernel, PartsAreTheWhole) {
  for (const auto form : {MomentumForm::torch, MomentumForm::ema, MomentumForm::caffe})
    for (const bool nesterov : {false, true})
      for (const auto decay : kModes) check_types(sgd({form, nesterov, decay, 0.5}));
}

TEST(AdamwKernel, PartsAreTheWhole) {
  for (const auto decay : kModes) check_types(adamw(decay));
}

TEST(SgdKernel, LeavesTheRestAlone) {
  const auto gradient = numbers<double>("gradient");
  const auto state = updated<double>(gradient.data(), ScalarType::f64, sgd({}), {100, 200});
  const auto before = numbers<double>("weight");
  for (std::int64_t i = 0; i < kSize; ++i) {
    const bool inside = i >= 100 && i < 200;
    EXPECT_EQ(state.weight[static_cast<std::size_t>(i)] != before[static_cast<std::size_t>(i)],
              inside)
        << i;
  }
}

TEST(SgdKernel, NarrowCopiesRoundToNearestEven) {
  const float quantum = std::ldexp(1.0f, -7);  // of bfloat16 in [1, 2)
  EXPECT_EQ(kernels::to_bfloat16(1.0f).bits, 0x3F80);
  EXPECT_EQ(kernels::to_bfloat16(1 + quantum / 2).bits, 0x3F80);      // a tie, to even
  EXPECT_EQ(kernels::to_bfloat16(1 + 3 * quantum / 2).bits, 0x3F82);  // a tie, to even
  EXPECT_EQ(kernels::to_bfloat16(1 + 0.51f * quantum).bits, 0x3F81);
  EXPECT_EQ(kernels::to_bfloat16(-INFINITY).bits, 0xFF80);
  EXPECT_TRUE(std::isnan(kernels::to_float(kernels::to_bfloat16(NAN))));
}

TEST(SgdKernel, ScalesOfOneTensor) {
  std::vector<double> weight{2.0}, velocity{0.0};
  const std::vector<double> gradient{3.0};
  kernels::UpdateTensor tensor;
  tensor.weight = weight.data();
  tensor.state[0] = velocity.data();
  tensor.gradient = gradient.data();
  tensor.size = 1;
  tensor.type = tensor.gradient_type = ScalarType::f64;
  tensor.lr_scale = 0.5;
  tensor.decay_scale = 0.25;
  kernels::sgd_cpu(tensor, 0, 1, {}, kHyper);
  EXPECT_DOUBLE_EQ(weight[0], 2 * (1 - 0.1 * 0.5 * 0.05 * 0.25) - 0.1 * 0.5 * 3);
}

}  // namespace
}  // namespace onecycle
