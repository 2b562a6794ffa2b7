#include "kernels/cuda_on_host.h"

#include "kernels/update/adamw_element.h"
#include "kernels/update/loss_scale.cuh"
#include "kernels/update/multi_tensor.cuh"
#include "kernels/update/sgd_element.h"
#include "support/formula.h"
#include "support/guarded.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <list>
#include <string>
#include <type_traits>
#include <vector>

// The code of the updates' kernels, walked on the CPU, beside the CPU's own loops: the same bits.
namespace onecycle::kernels {
namespace {

constexpr StepNumbers kNumbers{0.1, 0.9, 0.05, 3};

template <class G>
std::vector<G> numbers(const std::string& name, std::size_t size, double scale) {
  std::vector<G> result;
  for (const double value : formula(name, static_cast<std::int64_t>(size), scale)) {
    if constexpr (std::is_same_v<G, BFloat16>)
      result.push_back(to_bfloat16(static_cast<float>(value)));
    else if constexpr (std::is_same_v<G, Float16>)
      result.push_back(to_float16(static_cast<float>(value)));
    else
      result.push_back(static_cast<G>(value));
  }
  return result;
}

template <class T>
constexpr ScalarType kTypeOf = ScalarType::f32;
template <>
inline constexpr ScalarType kTypeOf<double> = ScalarType::f64;
template <>
inline constexpr ScalarType kTypeOf<BFloat16> = ScalarType::bf16;
template <>
inline constexpr ScalarType kTypeOf<Float16> = ScalarType::f16;

// The arrays of one tensor; `shift` as of Guarded.
template <class T, class G>
struct Arrays {
  Arrays(std::size_t size, std::size_t shift)
      : weight(numbers<T>("weight", size, 2), shift),
        first(numbers<T>("first", size, .5), shift),
        second(numbers<T>("second", size, .5), shift),
        gradient(numbers<G>("gradient", size + shift, 1)),
        copy(size, shift) {
    for (std::size_t i = 0; i < size; ++i) second[i] = std::abs(second[i]);
    tensor.weight = weight.data();
    tensor.state[0] = first.data();
    tensor.state[1] = second.data();
    tensor.gradient = gradient.data() + shift;
    tensor.copy = copy.data();
    tensor.size = static_cast<std::int64_t>(size);
    tensor.lr_scale = .5;
    tensor.type = kTypeOf<T>;
    tensor.gradient_type = kTypeOf<G>;
    tensor.copy_type = shift == 0 ? ScalarType::bf16 : ScalarType::f16;
  }

  template <class V>
  static bool same_bits(const Guarded<V>& a, const Guarded<V>& b) {
    return a.is_intact() && b.is_intact() &&
           std::memcmp(a.data(), b.data(), a.size() * sizeof(V)) == 0;
  }

  bool same_as(const Arrays& other) const {
    return same_bits(weight, other.weight) && same_bits(first, other.first) &&
           same_bits(second, other.second) && same_bits(copy, other.copy);
  }

  Guarded<T> weight;
  Guarded<T> first;
  Guarded<T> second;
  std::vector<G> gradient;
  Guarded<std::uint16_t> copy;
  UpdateTensor tensor = {};
};

// Small launches backwards: a missing barrier shows in one of the two orders.
template <class Update>
void walk_update(const std::vector<UpdateTensor>& tensors, const Update& update,
                 const LossScale* loss_scale = nullptr) {
  for_each_launch(
      tensors.data(), static_cast<int>(tensors.size()), [&](const Launch& launch, int blocks) {
        walk(blocks <= 2 ? Walk::threads_backwards : Walk::threads, static_cast<unsigned>(blocks),
             kThreads, multi_tensor_kernel<Update>, launch, update, &kNumbers, loss_scale);
      });
}

void update_alone(const UpdateTensor& tensor, const UpdateRule& rule, const LossScale* scale) {
  sgd_cpu(tensor, 0, tensor.size, rule, &kNumbers, scale);
}
void update_alone(const UpdateTensor& tensor, const AdamwRule& rule, const LossScale* scale) {
  adamw_cpu(tensor, 0, tensor.size, rule, &kNumbers, scale);
}

void walk_rule(const UpdateTensor& tensor, const UpdateRule& rule, const LossScale* scale) {
  with_sgd_update(rule, [&](const auto& update) { walk_update({tensor}, update, scale); });
}
void walk_rule(const UpdateTensor& tensor, const AdamwRule& rule, const LossScale* scale) {
  walk_update({tensor}, AdamwUpdate{rule}, scale);
}

template <class T, class G, class Rule>
void expect_same_bits(const Rule& rule, std::size_t size, std::size_t shift = 0,
                      const LossScale* loss_scale = nullptr) {
  Arrays<T, G> walked(size, shift), alone(size, shift);
  const Arrays<T, G> before(size, shift);
  walk_rule(walked.tensor, rule, loss_scale);
  update_alone(alone.tensor, rule, loss_scale);
  EXPECT_TRUE(walked.same_as(alone)) << size << " elements, shifted by " << shift;
  const bool skips = loss_scale != nullptr && loss_scale->bad != 0;
  EXPECT_EQ(walked.same_as(before), skips);
}

template <class Rule>
void expect_same_bits_of_all_types(const Rule& rule) {
  for (const std::size_t size : {1U, 31U, 33U, 4096U, 9001U})
    for (const std::size_t shift : {0U, 1U}) {
      expect_same_bits<float, float>(rule, size, shift);
      expect_same_bits<float, BFloat16>(rule, size, shift);
      expect_same_bits<float, Float16>(rule, size, shift);
      expect_same_bits<double, double>(rule, size, shift);
    }
}

TEST(UpdateKernel, SgdInEveryForm) {
  for (const MomentumForm form : {MomentumForm::torch, MomentumForm::ema, MomentumForm::caffe})
    for (const bool nesterov : {false, true})
      for (const DecayMode decay : {DecayMode::l2, DecayMode::decoupled}) {
        UpdateRule rule;
        rule.form = form;
        rule.nesterov = nesterov;
        rule.decay = decay;
        for (const std::size_t size : {33U, 4097U}) expect_same_bits<float, float>(rule, size, 1);
      }
}

TEST(UpdateKernel, SgdOfEveryType) { expect_same_bits_of_all_types(UpdateRule{}); }

TEST(UpdateKernel, AdamwOfEveryType) { expect_same_bits_of_all_types(AdamwRule{}); }

TEST(UpdateKernel, AMillionElements) {
  expect_same_bits<float, BFloat16>(AdamwRule{}, 1'000'003);
  expect_same_bits<float, float>(UpdateRule{}, 1'000'003, 1);
}

TEST(UpdateKernel, UnscalesGradientsAndLeavesOutBadSteps) {
  LossScale scale;
  scale.skipped = 1;
  for (const int bad : {0, 1}) {
    scale.bad = bad;
    expect_same_bits<float, Float16>(UpdateRule{}, 5000, 1, &scale);
    expect_same_bits<float, Float16>(AdamwRule{}, 5000, 0, &scale);
    expect_same_bits<double, double>(AdamwRule{}, 33, 1, &scale);
  }
}

// More tensors than a launch holds, empty ones and ones without a copy among them.
TEST(UpdateKernel, ManyTensors) {
  std::list<Arrays<float, float>> walked, alone;
  std::vector<UpdateTensor> tensors;
  for (std::size_t i = 0; i < 2 * kTensorsPerLaunch + 3; ++i) {
    const std::size_t size = i % 10 == 4 ? 0 : i % 10 == 7 ? 4096 + i : 1 + i;
    for (auto* arrays : {&walked, &alone}) {
      UpdateTensor& tensor = arrays->emplace_back(size, i % 2).tensor;
      tensor.decay_scale = i % 3 == 0 ? 0 : 1;
      if (i % 5 == 0) tensor.copy = nullptr;
    }
    tensors.push_back(walked.back().tensor);
    update_alone(alone.back().tensor, AdamwRule{}, nullptr);
  }
  walk_update(tensors, AdamwUpdate{});
  std::size_t i = 0;
  for (auto a = walked.begin(), b = alone.begin(); a != walked.end(); ++a, ++b, ++i)
    EXPECT_TRUE(a->same_as(*b)) << "tensor " << i;
}

template <class G>
bool walk_finds_bad(Arrays<float, G>& arrays) {
  Guarded<LossScale> state(std::vector<LossScale>(1));
  for_each_launch(&arrays.tensor, 1, [&](const Launch& launch, int blocks) {
    walk(Walk::loop, static_cast<unsigned>(blocks), kThreads, find_bad_kernel, launch,
         state.data());
  });
  LossScale alone;
  find_bad_cpu(arrays.tensor, 0, arrays.tensor.size, &alone);
  EXPECT_EQ(state[0].bad, alone.bad);
  EXPECT_TRUE(state.is_intact());
  return state[0].bad != 0;
}

template <class G>
void expect_bad_found(std::size_t size, std::size_t shift, G bad) {
  Arrays<float, G> arrays(size, shift);
  EXPECT_FALSE(walk_finds_bad(arrays));
  for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
    G& gradient = arrays.gradient[shift + at];
    const G before = std::exchange(gradient, bad);
    EXPECT_TRUE(walk_finds_bad(arrays)) << at << " of " << size;
    gradient = before;
  }
  arrays.gradient.back() = bad;
  --arrays.tensor.size;
  EXPECT_FALSE(walk_finds_bad(arrays)) << "beyond " << size;
}

TEST(UpdateKernel, FindsAGradientThatIsNotFinite) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const std::size_t size : {1U, 31U, 33U, 4096U, 4097U, 1'000'003U})
    for (const std::size_t shift : {0U, 1U}) {
      expect_bad_found<float>(size, shift, static_cast<float>(-kInfinity));
      expect_bad_found<Float16>(size, shift, to_float16(70000));
      if (size > 5000) continue;
      expect_bad_found<double>(size, shift, kInfinity);
      expect_bad_found<BFloat16>(size, shift, BFloat16{0x7fc0});
    }
}

TEST(UpdateKernel, AdvancesTheLossScale) {
  Guarded<LossScale> walked(std::vector<LossScale>(1));
  LossScale alone;
  for (int step = 0; step < 2 * kScaleInterval + 5; ++step) {
    walked[0].bad = alone.bad = step == 1 || step == kScaleInterval + 3 ? 1 : 0;
    walk(Walk::loop, 1, 1, advance_kernel, walked.data());
    advance(alone);
    ASSERT_EQ(std::memcmp(&walked[0], &alone, sizeof alone), 0) << step;
  }
  EXPECT_EQ(alone.skipped, 2);
  EXPECT_TRUE(walked.is_intact());
}

}  // namespace
}  // namespace onecycle::kernels
