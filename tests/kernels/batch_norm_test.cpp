// Every pass of both versions against the same sums in double.

#include "kernels/norm/batch_norm.h"

#include <cmath>
#include <gtest/gtest.h>
#include <new>
#include <numbers>
#include <vector>

namespace onecycle::kernels {
namespace {

constexpr std::int64_t kRows = 37;

double formula(std::int64_t i, double phase) {
  return std::sin(static_cast<double>(i) * 1.7 + phase) + 0.3 * std::cos(static_cast<double>(i));
}

template <class T>
struct Aligned {
  using value_type = T;
  Aligned() = default;
  template <class U>
  explicit Aligned(const Aligned<U>&) {}
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* data, std::size_t) { ::operator delete (data, std::align_val_t{64}); }
  bool operator==(const Aligned&) const = default;
};

// Values in a dtype, and the same rounded to it, in double.
struct Array {
  Array(ScalarType of, std::int64_t size, double phase) : type(of) {
    for (std::int64_t i = 0; i < size; ++i) set(formula(i, phase));
  }
  explicit Array(ScalarType of, std::int64_t size) : type(of) {
    for (std::int64_t i = 0; i < size; ++i) set(99);
  }
  void set(double value) {
    single.push_back(static_cast<float>(value));
    half.push_back(to_bfloat16(single.back()));
  }
  void* data() {
    return type == ScalarType::bf16 ? static_cast<void*>(half.data()) : single.data();
  }
  double at(std::int64_t i) const {
    const auto index = static_cast<std::size_t>(i);
    return type == ScalarType::bf16 ? to_float(half[index]) : single[index];
  }

  ScalarType type;
  std::vector<float, Aligned<float>> single;
  std::vector<BFloat16, Aligned<BFloat16>> half;
};

// Phi, of the normal distribution.
double normal_below(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

std::vector<float> by_channel(std::int64_t channels, double phase) {
  std::vector<float> values;
  for (std::int64_t c = 0; c < channels; ++c)
    values.push_back(static_cast<float>(formula(c, phase)));
  return values;
}

struct Case {
  const NormCpu* version;
  ScalarType type;
  std::int64_t channels;
  Activation activation;
  bool adds;
  bool two_gradients;
  bool past_caches;
};

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const NormCpu* version : {&generic_norm_cpu(), &norm_cpu()})
    for (const ScalarType type : {ScalarType::f32, ScalarType::bf16})
      for (const std::int64_t channels : {16, 32, 64, 176})
        for (const auto activation : {Activation::none, Activation::relu, Activation::gelu})
          for (const int flags : {0, 1, 2, 3, 4, 7})
            result.push_back({version, type, channels, activation, (flags & 1) != 0,
                              (flags & 2) != 0, (flags & 4) != 0});
  return result;
}

class NormPasses : public ::testing::TestWithParam<Case> {
 protected:
  const Case& given = GetParam();
  std::int64_t channels = given.channels;
  std::int64_t size = kRows * channels;
  double tolerance = given.type == ScalarType::bf16 ? 0.02 : 1e-5;
  Array input{given.type, size, 0.1};
  Array addend{given.type, size, 0.7};
  Array output{given.type, size};
  Array one{given.type, size, 2.1}, two{given.type, size, 3.3};
  std::vector<float> mean = by_channel(channels, 0.3);
  std::vector<float> scale = by_channel(channels, 0.9);
  std::vector<float> shift = by_channel(channels, 1.9);
  NormChannels by{mean.data(), scale.data(), shift.data()};
  NormRows rows{given.type, channels, input.data(), given.activation, given.past_caches};

  double normalised(std::int64_t i) const {
    const auto c = static_cast<std::size_t>(i % channels);
    return input.at(i) * scale[c] + shift[c] + (given.adds ? addend.at(i) : 0);
  }
  double exact_output(std::int64_t i) const {
    const double z = normalised(i);
    if (given.activation == Activation::gelu) return z * normal_below(z);
    return given.activation == Activation::relu ? std::max(0.0, z) : z;
  }
  double exact_gradient(std::int64_t i) const {
    const double z = normalised(i), arrived = one.at(i) + (given.two_gradients ? two.at(i) : 0);
    if (given.activation == Activation::relu && !(z > 0)) return 0;
    if (given.activation != Activation::gelu) return arrived;
    return arrived * (normal_below(z) + z * std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi));
  }
  void make_output() {
    const void* const added = given.adds ? addend.data() : nullptr;
    given.version->normalise(rows, by, added, output.data(), 0, 20);
    given.version->normalise(rows, by, added, output.data(), 20, kRows);
  }
};

TEST_P(NormPasses, Moments) {
  std::vector<float> sums(2 * mean.size());
  given.version->moments(rows, mean.data(), sums.data(), 3, kRows);
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0, square = 0;
    for (std::int64_t row = 3; row < kRows; ++row) {
      const double x = input.at(row * channels + c) - mean[static_cast<std::size_t>(c)];
      sum += x;
      square += x * x;
    }
    EXPECT_NEAR(sums[static_cast<std::size_t>(c)], sum, 1e-4);
    EXPECT_NEAR(sums[static_cast<std::size_t>(channels + c)], square, 1e-4);
  }
}

TEST_P(NormPasses, Output) {
  make_output();
  for (std::int64_t i = 0; i < size; ++i)
    ASSERT_NEAR(output.at(i), exact_output(i), tolerance) << i;
}

TEST_P(NormPasses, Gradients) {
  make_output();
  Array passed(given.type, size), gradient(given.type, size);
  std::vector<float> sums(2 * mean.size());
  const bool gelu = given.activation == Activation::gelu;
  const bool passes = given.adds || given.two_gradients || gelu;
  const NormGradients from{one.data(), given.two_gradients ? two.data() : nullptr,
                           given.adds && !gelu ? output.data() : nullptr,
                           given.adds && gelu ? addend.data() : nullptr};
  given.version->gradient_sums(rows, by, from, passes ? passed.data() : nullptr, sums.data(), 0,
                               kRows);
  const std::vector<float> slope = by_channel(channels, 4.0), offset = by_channel(channels, 5.0);
  given.version->input_gradient(rows, by, slope.data(), offset.data(),
                                passes ? passed.data() : one.data(), passes, gradient.data(), 0,
                                kRows);
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto index = static_cast<std::size_t>(c);
    double sum = 0, product = 0;
    for (std::int64_t i = c; i < size; i += channels) {
      const double g = exact_gradient(i), x = input.at(i) - mean[index];
      sum += g;
      product += g * x;
      if (passes) {
        ASSERT_NEAR(passed.at(i), g, tolerance);
      }
      ASSERT_NEAR(gradient.at(i), scale[index] * g + slope[index] * x + offset[index],
                  2 * tolerance);
    }
    EXPECT_NEAR(sums[index], sum, 1e-4);
    EXPECT_NEAR(sums[static_cast<std::size_t>(channels) + index], product, 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(All, NormPasses, ::testing::ValuesIn(cases()));

// From where GELU is the identity to where it is 0, past what exp() of an fp32 holds.
TEST(NormPasses, GeluOfLargeValues) {
  std::vector<float> ones(16, 1), zeros(16, 0), x, y(16), passed(16), sums(32);
  for (int i = -8; i < 8; ++i) x.push_back(static_cast<float>(i) * 2.5f);
  for (const NormCpu* version : {&generic_norm_cpu(), &norm_cpu()}) {
    const NormRows rows{ScalarType::f32, 16, x.data(), Activation::gelu};
    const NormChannels by{zeros.data(), ones.data(), zeros.data()};
    version->normalise(rows, by, nullptr, y.data(), 0, 1);
    version->gradient_sums(rows, by, {ones.data()}, passed.data(), sums.data(), 0, 1);
    for (std::size_t i = 0; i < 16; ++i) {
      const double z = x[i], slope = normal_below(z) + z * std::exp(-z * z / 2) * 0.3989422804;
      EXPECT_NEAR(y[i], z * normal_below(z), 1e-6) << z;
      EXPECT_NEAR(passed[i], slope, 1e-6) << z;
    }
  }
}

TEST(NormPasses, NaNGoesThrough) {
  std::vector<float> x(16, std::nanf("")), y(16), ones(16, 1), zeros(16, 0);
  for (const NormCpu* version : {&generic_norm_cpu(), &norm_cpu()})
    for (const auto activation : {Activation::none, Activation::relu, Activation::gelu}) {
      const NormRows rows{ScalarType::f32, 16, x.data(), activation};
      version->normalise(rows, {zeros.data(), ones.data(), zeros.data()}, nullptr, y.data(), 0, 1);
      EXPECT_TRUE(std::isnan(y[5]));
    }
}

}  // namespace
}  // namespace onecycle::kernels
