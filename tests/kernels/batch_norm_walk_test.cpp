// The CUDA kernels of batch norm, activation and addition, walked on the CPU, against ATen's
// batch norm in double and against the kernels of the CPU.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <ATen/ATen.h>

// After ATen: it stands for the CUDA runtime.
#include "kernels/cuda_on_host.h"

#include "kernels/norm/batch_norm_passes.cuh"

namespace onecycle::kernels {
namespace {

constexpr double kSingle = 1.0 / (1 << 24);  // half a unit in the last place of fp32, relative
constexpr double kEps = 1e-5;

// Launches of one block backwards: a missing barrier shows in one of the two orders.
struct WalkLaunch {
  template <class... Parameters, class... Args>
  void operator()(int blocks, void (*kernel)(Parameters...), const Args&... args) const {
    walk(blocks == 1 ? Walk::threads_backwards : Walk::threads, dim3(static_cast<unsigned>(blocks)),
         dim3(kNormThreads), kernel, args...);
  }
};

// A tensor's values between guard bytes, at an address that is a multiple of 64 or one value later.
class Guarded {
 public:
  Guarded(const at::Tensor& values, bool aligned)
      : like_(values.contiguous()), bytes_(like_.nbytes() + 3 * kGuard, kPattern) {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes_.data());
    begin_ = 2 * kGuard - address % kGuard + (aligned ? 0 : like_.element_size());
    std::memcpy(data(), like_.const_data_ptr(), like_.nbytes());
  }
  void* data() { return bytes_.data() + begin_; }
  at::Tensor values() {
    at::Tensor result = at::empty_like(like_);
    std::memcpy(result.mutable_data_ptr(), data(), result.nbytes());
    return result;
  }
  bool untouched_around() const {
    const auto intact = [](unsigned char byte) { return byte == kPattern; };
    const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(begin_);
    return std::all_of(bytes_.begin(), first, intact) &&
           std::all_of(first + static_cast<std::ptrdiff_t>(like_.nbytes()), bytes_.end(), intact);
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr unsigned char kPattern = 0xa5;
  at::Tensor like_;
  std::vector<unsigned char> bytes_;
  std::size_t begin_ = 0;
};

struct Case {
  std::int64_t rows;
  std::int64_t channels;
  at::ScalarType type;
  Activation activation;
  bool adds;
  bool two_gradients;
  bool aligned;
};

ScalarType kernel_type(at::ScalarType type) {
  if (type == at::kBFloat16) return ScalarType::bf16;
  return type == at::kHalf ? ScalarType::f16 : ScalarType::f32;
}

// The relative error of rounding to the type.
double rounding_of(at::ScalarType type) {
  if (type == at::kBFloat16) return 1.0 / (1 << 8);
  return type == at::kHalf ? 1.0 / (1 << 11) : kSingle;
}

at::Tensor wide(const at::Tensor& tensor) { return tensor.to(at::kDouble); }

// |found - expected| <= bound everywhere.
void expect_within(const at::Tensor& found, const at::Tensor& expected, const at::Tensor& bound,
                   const char* what) {
  const at::Tensor excess = (wide(found) - expected).abs() - bound;
  EXPECT_LE(excess.max().item<double>(), 0) << what;
}

at::Tensor activated(const at::Tensor& z, Activation activation) {
  if (activation == Activation::relu) return z.relu();
  return activation == Activation::gelu ? at::gelu(z) : z;
}

class NormWalk : public ::testing::TestWithParam<Case> {
 protected:
  const Case& given = GetParam();
  NormWalk() {
    at::manual_seed(11);
    const auto sizes = {given.rows, given.channels};
    x = (at::randn(sizes) * 1.5 + 2).to(given.type);
    added = at::randn(sizes).to(given.type);
    weight = at::randn({given.channels});
    bias = at::randn({given.channels});
    one = at::randn(sizes);
    two = at::randn(sizes);
    exact_x = wide(x).requires_grad_();
    exact_added = wide(added).requires_grad_();
    exact_weight = wide(weight).requires_grad_();
    exact_bias = wide(bias).requires_grad_();
    z = std::get<0>(
        at::native_batch_norm(exact_x, exact_weight, exact_bias, {}, {}, true, 0, kEps));
    if (given.adds) z = z + exact_added;
    // Where rounding decides on which side of ReLU's corner a value lies, no gradient arrives.
    const at::Tensor decided = z.detach().abs().gt(1e-2);
    one = (one * decided).to(given.type);
    two = (two * decided).to(given.type);
    exact = activated(z, given.activation);
    z.retain_grad();
    exact.backward(given.two_gradients ? wide(one) + wide(two) : wide(one));
  }

  // Numbers by channel, in fp32.
  Guarded numbers() const { return {at::full({given.channels}, 7.f), true}; }
  Guarded tensor(const at::Tensor& values) const { return {values, given.aligned}; }

  at::Tensor x, added, weight, bias, one, two;
  at::Tensor exact_x, exact_added, exact_weight, exact_bias, z, exact;
};

TEST_P(NormWalk, EqualsBatchNormInDouble) {
  const at::Tensor nothing = at::full_like(x, 7);
  Guarded input = tensor(x), addend = tensor(added), output = tensor(nothing);
  Guarded mean = numbers(), variance = numbers();
  Guarded running_mean(at::ones({given.channels}), true);
  Guarded running_variance(at::ones({given.channels}), true);
  Guarded parts(at::zeros({norm_workspace(given.rows, given.channels)}), true);
  Guarded scales(weight, true), shifts(bias, true);
  const auto floats = [](Guarded& from) { return static_cast<float*>(from.data()); };
  NormRows rows{kernel_type(given.type), given.channels, input.data(), given.activation, false};
  const NormParameters by{floats(mean), floats(variance), floats(scales), floats(shifts),
                          static_cast<float>(kEps)};
  const WalkLaunch launch;

  run_norm_moments(
      launch, rows, given.rows, floats(parts),
      {floats(mean), floats(variance), floats(running_mean), floats(running_variance), 0.25f});
  run_normalise(launch, rows, given.rows, by, given.adds ? addend.data() : nullptr, output.data());

  Guarded first = tensor(one), second = tensor(two), passed = tensor(nothing);
  Guarded gradient = tensor(nothing), slope = numbers(), offset = numbers();
  Guarded weight_gradient = numbers(), bias_gradient = numbers();
  const bool gelu = given.activation == Activation::gelu;
  const bool passes = given.adds || given.two_gradients || gelu;
  const NormGradients from{first.data(), given.two_gradients ? second.data() : nullptr,
                           given.adds && !gelu ? output.data() : nullptr,
                           given.adds && gelu ? addend.data() : nullptr};
  run_norm_gradient_sums(
      launch, rows, given.rows, by, from, passes ? passed.data() : nullptr, floats(parts),
      {floats(weight_gradient), floats(bias_gradient), floats(slope), floats(offset)});
  run_norm_input_gradient(launch, rows, given.rows, by, floats(slope), floats(offset),
                          passes ? passed.data() : first.data(), passes, gradient.data());

  // fp32 errors are a few times kSingle of what is added up; then comes the rounding to the type,
  // of which the smallest fp16 is 2^-24.
  const double rounding = rounding_of(given.type);
  const double tiny = given.type == at::kHalf ? 1.0 / (1 << 24) : 0;
  const at::Tensor wide_x = exact_x.detach();
  const at::Tensor exact_mean = wide_x.mean(0);
  const at::Tensor exact_variance = wide_x.var(0, /*unbiased=*/false);
  const at::Tensor inverse = (exact_variance + kEps).rsqrt();
  const at::Tensor scale = (exact_weight.detach() * inverse).abs();
  expect_within(mean.values(), exact_mean, 8 * kSingle * (exact_mean.abs() + exact_variance.sqrt()),
                "mean");
  expect_within(variance.values(), exact_variance, 64 * kSingle * exact_variance, "variance");
  expect_within(running_mean.values(), 0.75 + 0.25 * exact_mean,
                8 * kSingle * (1 + exact_mean.abs()), "running mean");
  if (given.rows > 1) {
    const at::Tensor unbiased = wide_x.var(0, /*unbiased=*/true);
    expect_within(running_variance.values(), 0.75 + 0.25 * unbiased, 64 * kSingle * (1 + unbiased),
                  "running variance");
  }

  at::Tensor size = (wide_x.abs() + exact_mean.abs()) * scale + exact_bias.detach().abs();
  if (given.adds) size = size + exact_added.detach().abs();
  const at::Tensor single = 64 * kSingle * size;
  const at::Tensor y = exact.detach();
  expect_within(output.values(), y, rounding * y.abs() + single + tiny, "output");

  const at::Tensor g = z.grad();
  const at::Tensor normalised = ((wide_x - exact_mean) * inverse).abs();
  // What single precision of z, and of sums over rows, does to a gradient.
  const at::Tensor arrived = wide(one).abs() + wide(two).abs();
  const at::Tensor of_g = gelu ? single * arrived : 8 * kSingle * arrived;
  const at::Tensor sums = arrived.sum(0);
  const at::Tensor products = (arrived * (normalised + exact_mean.abs() * inverse)).sum(0);
  if (passes) expect_within(passed.values(), g, rounding * g.abs() + of_g + tiny, "passed");
  expect_within(bias_gradient.values(), exact_bias.grad(), 8 * kSingle * sums + of_g.sum(0),
                "bias");
  expect_within(weight_gradient.values(), exact_weight.grad(),
                64 * kSingle * products + (of_g * normalised).sum(0), "weight");
  const auto count = static_cast<double>(given.rows);
  const at::Tensor added_up =
      scale * (arrived + (sums + (normalised + exact_mean.abs() * inverse) * products) / count);
  const at::Tensor of_passing = passes ? rounding * scale * g.abs() : at::zeros({});
  const at::Tensor dx = exact_x.grad();
  expect_within(gradient.values(), dx,
                rounding * dx.abs() + of_passing + scale * (of_g + of_g.mean(0)) +
                    64 * kSingle * added_up + tiny * (1 + scale),
                "input's gradient");

  for (const Guarded* one_of :
       {&input, &addend, &output, &mean, &variance, &running_mean, &running_variance, &parts,
        &scales, &shifts, &first, &second, &passed, &gradient, &slope, &offset, &weight_gradient,
        &bias_gradient})
    EXPECT_TRUE(one_of->untouched_around());
  EXPECT_TRUE(input.values().equal(x));
  EXPECT_EQ(passed.values().equal(nothing), !passes);
}

// Every shape in every type with activation, addition, gradients and alignment in turn, of which
// many rows meet all twelve combinations; few rows meet them in every type.
std::vector<Case> cases() {
  std::vector<Case> result;
  int turn = 0;
  const auto add = [&](std::int64_t rows, std::int64_t channels, at::ScalarType type, int variant) {
    constexpr Activation kActivations[] = {Activation::none, Activation::relu, Activation::gelu};
    result.push_back({rows, channels, type, kActivations[variant % 3], variant / 3 % 2 == 1,
                      variant / 6 % 2 == 1, variant % 4 != 3});
  };
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf})
    for (const std::int64_t channels : {1, 3, 16, 64, 65, 512}) {
      for (const std::int64_t rows : {1, 31, 33, 4099}) add(rows, channels, type, turn++);
      ++turn;  // so that a number of rows meets another combination next time
      if (channels == 16)
        for (int variant = 0; variant < 12; ++variant) add(33, channels, type, variant);
    }
  return result;
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  const char* const activation = c.activation == Activation::none   ? "plain"
                                 : c.activation == Activation::relu ? "relu"
                                                                    : "gelu";
  return std::to_string(info.index) + "_" + std::to_string(c.rows) + "x" +
         std::to_string(c.channels) + "_" + at::toString(c.type) + "_" + activation +
         (c.adds ? "_added" : "") + (c.two_gradients ? "_two" : "") +
         (c.aligned ? "" : "_unaligned");
}

INSTANTIATE_TEST_SUITE_P(All, NormWalk, ::testing::ValuesIn(cases()), case_name);

// The kernels of the CPU, given the same moments: within one rounding of each other.
TEST(NormWalk, IsTheTwinOfTheCpu) {
  constexpr std::int64_t kRows = 33, kChannels = 64;
  at::manual_seed(12);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::randn({kRows, kChannels}).to(type);
    const at::Tensor added = at::randn({kRows, kChannels}).to(type);
    const at::Tensor mean = x.to(at::kFloat).mean(0);
    const at::Tensor variance = x.to(at::kFloat).var(0, /*unbiased=*/false);
    const at::Tensor weight = at::rand({kChannels}) + 0.5, bias = at::randn({kChannels});
    const at::Tensor scale = weight / (variance + kEps).sqrt(), shift = bias - mean * scale;
    const NormRows rows{kernel_type(type), kChannels, x.const_data_ptr(), Activation::relu};
    at::Tensor by_cpu = at::empty_like(x), walked = at::empty_like(x);
    norm_cpu().normalise(rows,
                         {mean.const_data_ptr<float>(), scale.const_data_ptr<float>(),
                          shift.const_data_ptr<float>()},
                         added.const_data_ptr(), by_cpu.mutable_data_ptr(), 0, kRows);
    run_normalise(
        WalkLaunch(), rows, kRows,
        {mean.const_data_ptr<float>(), variance.const_data_ptr<float>(),
         weight.const_data_ptr<float>(), bias.const_data_ptr<float>(), static_cast<float>(kEps)},
        added.const_data_ptr(), walked.mutable_data_ptr());
    expect_within(walked, wide(by_cpu), 2 * rounding_of(type) * wide(by_cpu).abs() + 32 * kSingle,
                  "output");
  }
}

// Squares of differences from zero would lose the variance's digits.
TEST(NormWalk, MomentsOfValuesFarFromZero) {
  at::manual_seed(13);
  const at::Tensor x = at::randn({1500, 16}) + 3000;
  at::Tensor mean = at::empty({16}), variance = at::empty({16});
  at::Tensor parts = at::empty({norm_workspace(1500, 16)});
  run_norm_moments(WalkLaunch(), {ScalarType::f32, 16, x.const_data_ptr()}, 1500,
                   parts.mutable_data_ptr<float>(),
                   {mean.mutable_data_ptr<float>(), variance.mutable_data_ptr<float>()});
  expect_within(mean, wide(x).mean(0), at::full({}, 3000 * 2 * kSingle), "mean");
  // A mean of 3000 is known to 3000 kSingle, and the distance of two of them to twice that.
  expect_within(variance, wide(x).var(0, /*unbiased=*/false), at::full({}, 3000 * 4 * kSingle),
                "variance");
}

TEST(NormGeometry, CoversEveryRowAndChannelOnce) {
  for (const std::int64_t rows : {1, 31, 33, 4099, 131072, 12345678})
    for (const int pack : {1, 4, 8})
      for (const std::int64_t packs : {1, 2, 3, 16, 33, 65, 512}) {
        const NormGeometry at = norm_geometry(rows, packs * pack, pack);
        EXPECT_EQ(at.lanes * at.lines, kNormThreads);
        EXPECT_GE(static_cast<std::int64_t>(at.tiles) * at.lanes, packs);
        EXPECT_LT(static_cast<std::int64_t>(at.tiles - 1) * at.lanes, packs);
        EXPECT_GE(at.parts * at.span, rows);
        EXPECT_LT((at.parts - 1) * at.span, rows);
        EXPECT_LE(at.blocks(), std::max(kNormBlocks, at.tiles));
        EXPECT_LE(2 * at.parts * packs * pack, norm_workspace(rows, packs * pack));
      }
}

}  // namespace
}  // namespace onecycle::kernels
