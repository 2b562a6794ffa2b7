// The update kernel on parts of a tensor, without LibTorch.

#include "kernels/sgd.h"
#include "support/formula.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace onecycle {
namespace {

using kernels::BFloat16;
using kernels::ScalarType;

constexpr std::int64_t kSize = 1001;
constexpr double kHyper[3] = {0.1, 0.9, 0.05};

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
  std::vector<T> velocity = numbers<T>("velocity");
  std::vector<BFloat16> copy = std::vector<BFloat16>(kSize);

  std::vector<std::uint16_t> copied_bits() const {
    std::vector<std::uint16_t> bits;
    for (const BFloat16 value : copy) bits.push_back(value.bits);
    return bits;
  }
};

template <class T>
State<T> updated(const void* gradient, ScalarType gradient_type, const UpdateRule& rule,
                 const std::vector<std::int64_t>& cuts) {
  State<T> state;
  kernels::SgdTensor tensor;
  tensor.weight = state.weight.data();
  tensor.velocity = state.velocity.data();
  tensor.gradient = gradient;
  tensor.copy = state.copy.data();
  tensor.size = kSize;
  tensor.type = sizeof(T) == 8 ? ScalarType::f64 : ScalarType::f32;
  tensor.gradient_type = gradient_type;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
    kernels::sgd_cpu(tensor, cuts[i], cuts[i + 1], rule, kHyper);
  return state;
}

template <class T>
void check_parts(const void* gradient, ScalarType gradient_type) {
  for (const auto form : {MomentumForm::torch, MomentumForm::ema, MomentumForm::caffe})
    for (const bool nesterov : {false, true})
      for (const auto decay : {DecayMode::decoupled, DecayMode::independent, DecayMode::l2}) {
        const UpdateRule rule{form, nesterov, decay, 0.5};
        const auto whole = updated<T>(gradient, gradient_type, rule, {0, kSize});
        const auto parts =
            updated<T>(gradient, gradient_type, rule, {0, 1, 17, 17, 512, 999, kSize});
        EXPECT_EQ(whole.weight, parts.weight);
        EXPECT_EQ(whole.velocity, parts.velocity);
        EXPECT_EQ(whole.copied_bits(), parts.copied_bits());
        EXPECT_NE(whole.weight, numbers<T>("weight"));
      }
}

TEST(SgdKernel, PartsAreTheWhole) {
  const auto single = numbers<float>("gradient");
  const auto wide = numbers<double>("gradient");
  const auto narrow = narrowed(single);
  check_parts<float>(single.data(), ScalarType::f32);
  check_parts<float>(narrow.data(), ScalarType::bf16);
  check_parts<double>(wide.data(), ScalarType::f64);
  check_parts<double>(narrow.data(), ScalarType::bf16);
}

TEST(SgdKernel, LeavesTheRestAlone) {
  const auto gradient = numbers<double>("gradient");
  const auto state = updated<double>(gradient.data(), ScalarType::f64, {}, {100, 200});
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
  kernels::SgdTensor tensor;
  tensor.weight = weight.data();
  tensor.velocity = velocity.data();
  tensor.gradient = gradient.data();
  tensor.size = 1;
  tensor.type = tensor.gradient_type = ScalarType::f64;
  tensor.lr_scale = 0.5f;
  tensor.decay_scale = 0.25f;
  kernels::sgd_cpu(tensor, 0, 1, {}, kHyper);
  EXPECT_DOUBLE_EQ(weight[0], 2 * (1 - 0.1 * 0.5 * 0.05 * 0.25) - 0.1 * 0.5 * 3);
}

}  // namespace
}  // namespace onecycle
