// value_jitter against its definition, from what loaders give with and without it.

#include "onecycle/error.h"
#include "onecycle/loader.h"

#include <cmath>
#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace onecycle {
namespace {

constexpr std::int64_t kPictures = 2000;
constexpr double kShift = .14, kScale = .13;

ImageSet pictures(std::int64_t channels = 3) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(11);
  return {at::randint(0, 256, {kPictures, channels, 6, 5}, generator, at::kByte),
          at::arange(kPictures)};
}

LoaderOptions options_of(const ValueJitter& values, std::uint64_t seed = 5) {
  LoaderOptions options;
  options.dtype = at::kDouble;
  options.mean = {.5, .4, .3};
  options.std = {.2, .25, .3};
  options.augment.values = values;
  options.augment.flip = true;
  options.seed = seed;
  return options;
}

at::Tensor epoch_of(const LoaderOptions& options, std::int64_t epoch) {
  return Loader(pictures(), options).train_rows(epoch, 0, kPictures).inputs;
}

// Least squares of out = slope * plain + constant within each sample: [N] each.
struct Lines {
  at::Tensor slope, constant, residual;
};

Lines lines_of(const at::Tensor& plain, const at::Tensor& out) {
  const at::Tensor x = plain.flatten(1);
  const at::Tensor y = out.flatten(1);
  const at::Tensor centred = x - x.mean(1, true);
  const at::Tensor slope = (centred * y).sum(1) / centred.square().sum(1);
  const at::Tensor constant = y.mean(1) - slope * x.mean(1);
  const at::Tensor fitted = slope.unsqueeze(1) * x + constant.unsqueeze(1);
  return {slope, constant, (y - fitted).abs().amax(1)};
}

// A uniform variable over [-x, x] has the deviation x / sqrt(3).
void expect_uniform(const at::Tensor& values, double x) {
  EXPECT_LE(values.abs().max().item<double>(), x * (1 + 1e-6));
  EXPECT_GT(values.abs().max().item<double>(), .98 * x);
  EXPECT_NEAR(values.mean().item<double>(), 0, 5 * x / std::sqrt(3.0 * kPictures));
  EXPECT_NEAR(values.std().item<double>(), x / std::sqrt(3.0), .05 * x);
}

TEST(ValueJitter, AddsAndMultipliesOneNumberEachASample) {
  const at::Tensor plain = epoch_of(options_of({}), 2);
  const Lines lines = lines_of(plain, epoch_of(options_of({kShift, kScale}), 2));
  EXPECT_LT(lines.residual.max().item<double>(), 1e-9) << "the same for all channels and pixels";
  const at::Tensor scale = lines.slope - 1;
  const at::Tensor shift = lines.constant / lines.slope;
  expect_uniform(scale, kScale);
  expect_uniform(shift, kShift);
  const double together = (scale * shift).mean().item<double>();
  EXPECT_NEAR(together, 0, 5 * kScale * kShift / 3 / std::sqrt(kPictures)) << "independent";
}

TEST(ValueJitter, EachStrengthAlone) {
  const at::Tensor plain = epoch_of(options_of({}), 2);
  const Lines shifted = lines_of(plain, epoch_of(options_of({kShift, 0}), 2));
  EXPECT_LT((shifted.slope - 1).abs().max().item<double>(), 1e-9);
  expect_uniform(shifted.constant, kShift);
  const Lines scaled = lines_of(plain, epoch_of(options_of({0, kScale}), 2));
  EXPECT_LT(scaled.constant.abs().max().item<double>(), 1e-9);
  expect_uniform(scaled.slope - 1, kScale);
}

TEST(ValueJitter, IsAFunctionOfSeedEpochAndSample) {
  const LoaderOptions options = options_of({kShift, kScale});
  const at::Tensor whole = epoch_of(options, 2);
  Loader loader(pictures(), options);
  const int threads = at::get_num_threads();
  at::set_num_threads(threads == 1 ? 2 : 1);
  (void)loader.train_rows(7, 0, 100);
  const at::Tensor later = loader.train_rows(2, 900, 300).inputs;
  at::set_num_threads(threads);
  EXPECT_TRUE(later.equal(whole.narrow(0, 900, 300))) << "whatever the parts and threads";

  const auto slopes = [&](std::uint64_t seed, std::int64_t epoch) {
    LoaderOptions other = options_of({kShift, kScale}, seed);
    LoaderOptions none = options_of({}, seed);
    Loader jittered(pictures(), other), plain(pictures(), none);
    const Batch batch = jittered.train_rows(epoch, 0, kPictures);
    const Lines lines = lines_of(plain.train_rows(epoch, 0, kPictures).inputs, batch.inputs);
    return at::empty_like(lines.slope).index_copy_(0, batch.targets, lines.slope);  // by sample
  };
  const at::Tensor first = slopes(5, 2);
  const auto differs = [&](const at::Tensor& other) {
    return (first - other).abs().mean().item<double>();  // of two such variables: 2 x / 3
  };
  EXPECT_NEAR(differs(slopes(5, 3)), 2 * kScale / 3, .1 * kScale);
  EXPECT_NEAR(differs(slopes(6, 2)), 2 * kScale / 3, .1 * kScale);
}

TEST(ValueJitter, WhatIsCutOutStaysTheMean) {
  LoaderOptions options = options_of({kShift, kScale});
  options.augment.cutout = 3;
  const at::Tensor cut = epoch_of(options, 2).eq(0).flatten(1).any(1);
  EXPECT_TRUE(cut.all().item<bool>());
}

TEST(ValueJitter, EvaluationsHaveNone) {
  Loader jittered(pictures(), options_of({kShift, kScale})), plain(pictures(), options_of({}));
  EXPECT_TRUE(jittered.in_order(3, 50, 50).inputs.equal(plain.in_order(3, 50, 50).inputs));
}

TEST(ValueJitter, IsForGreyAndColour) {
  LoaderOptions options = options_of({kShift, kScale});
  options.mean = options.std = {.5, .5};
  EXPECT_THROW(Loader(pictures(2), options), DataError);
  options.mean = options.std = {.5};
  EXPECT_NO_THROW(Loader(pictures(1), options));
}

}  // namespace
}  // namespace onecycle
