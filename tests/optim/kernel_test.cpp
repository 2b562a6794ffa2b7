// The update kernels on parts of a tensor, without LibTorch.

#include "kernels/update/adamw.h"
#include "kernels/update/sgd.h"
#include "support/formula.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <utility>
#include <vector>

namespace onecycle {
namespace {

using kernels::BFloat16;
using kernels::Float16;
using kernels::LossScale;
using kernels::ScalarType;

constexpr std::int64_t kSize = 1001;
constexpr StepNumbers kNumbers{0.1, 0.9, 0.05, 3};

using CpuUpdate = std::function<void(const kernels::UpdateTensor&, std::int64_t, std::int64_t)>;

CpuUpdate sgd(const UpdateRule& rule) {
  return [rule](const kernels::UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
    kernels::sgd_cpu(tensor, begin, end, rule, &kNumbers);
  };
}
CpuUpdate adamw(DecayMode decay) {
  return [decay](const kernels::UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
    kernels::adamw_cpu(tensor, begin, end, {decay, 0.5}, &kNumbers);
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

std::vector<Float16> halved(const std::vector<float>& values) {
  std::vector<Float16> result;
  for (const float value : values) result.push_back(kernels::to_float16(value));
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
  const auto half = halved(single);
  check_parts<float>(half.data(), ScalarType::f16, update);
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

CpuUpdate scaled_sgd(const LossScale& scale) {
  return [&scale](const kernels::UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
    kernels::sgd_cpu(tensor, begin, end, {}, &kNumbers, &scale);
  };
}
CpuUpdate scaled_adamw(const LossScale& scale) {
  return [&scale](const kernels::UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
    kernels::adamw_cpu(tensor, begin, end, {}, &kNumbers, &scale);
  };
}

// A power of two undoes itself.
TEST(LossScale, UpdatesTakeGradientsUnscaled) {
  LossScale scale;
  scale.scale = 1024;
  scale.inverse = 1.0f / 1024;
  const auto plain = numbers<float>("gradient");
  auto times = plain;
  for (float& value : times) value *= scale.scale;
  const auto same = [&](const CpuUpdate& on_plain, const CpuUpdate& on_scaled) {
    const auto want = updated<float>(plain.data(), ScalarType::f32, on_plain, {0, kSize});
    const auto got = updated<float>(times.data(), ScalarType::f32, on_scaled, {0, kSize});
    EXPECT_EQ(got.weight, want.weight);
    EXPECT_EQ(got.first, want.first);
    EXPECT_EQ(got.second, want.second);
    EXPECT_EQ(got.copied_bits(), want.copied_bits());
  };
  same(sgd({}), scaled_sgd(scale));
  same(adamw(DecayMode::decoupled), scaled_adamw(scale));
}

TEST(LossScale, ABadStepChangesNothing) {
  LossScale scale;
  scale.bad = 1;
  const auto gradient = numbers<float>("gradient");
  for (const auto& update : {scaled_sgd(scale), scaled_adamw(scale)}) {
    const auto state = updated<float>(gradient.data(), ScalarType::f32, update, {0, kSize});
    EXPECT_EQ(state.weight, numbers<float>("weight"));
    EXPECT_EQ(state.first, numbers<float>("first"));
    EXPECT_EQ(state.second, std::vector<float>(kSize, 1));
    EXPECT_EQ(state.copied_bits(), std::vector<std::uint16_t>(kSize));
  }
}

// Skipped updates are none that Adam's averages have seen; a weight that joined later counts from
// its own first.
TEST(LossScale, BiasCorrectionCountsUpdatesThatWereMade) {
  const auto after = [](double number, std::int64_t skipped, std::int64_t before) {
    LossScale scale;
    scale.scale = scale.inverse = 1;
    scale.skipped = skipped;
    float weight = 1, first = 0, second = 0;
    const float gradient = 2;
    kernels::UpdateTensor tensor;
    tensor.weight = &weight;
    tensor.state[0] = &first;
    tensor.state[1] = &second;
    tensor.gradient = &gradient;
    tensor.size = 1;
    tensor.updates_before = before;
    const StepNumbers numbers{0.1, 0.9, 0, number};
    kernels::adamw_cpu(tensor, 0, 1, {}, &numbers, &scale);
    return weight;
  };
  EXPECT_EQ(after(7, 4, 0), after(3, 0, 0));
  EXPECT_NE(after(7, 4, 0), after(7, 0, 0));
  EXPECT_EQ(after(7, 4, 5), after(2, 0, 0));
}

TEST(LossScale, FindsWhatIsNotFinite) {
  for (const float bad : {INFINITY, -INFINITY, static_cast<float>(NAN)})
    for (const std::int64_t at : {std::int64_t{0}, std::int64_t{500}, kSize - 1}) {
      auto single = numbers<float>("gradient");
      single[static_cast<std::size_t>(at)] = bad;
      const auto narrow = narrowed(single);
      const auto half = halved(single);
      const std::vector<double> wide(single.begin(), single.end());
      const std::pair<const void*, ScalarType> gradients[] = {{single.data(), ScalarType::f32},
                                                              {narrow.data(), ScalarType::bf16},
                                                              {half.data(), ScalarType::f16},
                                                              {wide.data(), ScalarType::f64}};
      for (const auto& [data, type] : gradients) {
        kernels::UpdateTensor tensor;
        tensor.gradient = data;
        tensor.gradient_type = type;
        tensor.size = kSize;
        LossScale state;
        kernels::find_bad_cpu(tensor, 0, at, &state);
        kernels::find_bad_cpu(tensor, at + 1, kSize, &state);
        EXPECT_EQ(state.bad, 0);
        kernels::find_bad_cpu(tensor, at, at + 1, &state);
        EXPECT_EQ(state.bad, 1);
      }
    }
}

TEST(LossScale, GrowsAndBacksOff) {
  LossScale state;
  for (int i = 0; i < 1999; ++i) kernels::advance(state);
  EXPECT_EQ(state.scale, 65536);
  kernels::advance(state);
  EXPECT_EQ(state.scale, 131072);
  EXPECT_EQ(state.inverse, 1.0f / 131072);
  EXPECT_EQ(state.good_steps, 0);
  kernels::advance(state);
  state.bad = 1;
  kernels::advance(state);
  EXPECT_EQ(state.scale, 65536);
  EXPECT_EQ(state.good_steps, 0);
  EXPECT_EQ(state.skipped, 1);
  EXPECT_EQ(state.bad, 0);
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
  kernels::sgd_cpu(tensor, 0, 1, {}, &kNumbers);
  EXPECT_DOUBLE_EQ(weight[0], 2 * (1 - 0.1 * 0.5 * 0.05 * 0.25) - 0.1 * 0.5 * 3);
}

}  // namespace
}  // namespace onecycle
