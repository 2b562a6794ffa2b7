#include "data/images/mixup.h"

#include "onecycle/loader.h"

#include "data_test_support.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

// Computed by random_golden.py.
TEST(MixupChoices, KnownChoices) {
  const MixupChoices choices = mixup_choices(7, 3, 1000, .2);
  const std::pair<std::int64_t, double> golden[] = {
      {320, 0.7508340621}, {668, 0.9999095574}, {282, 0.9995875581}, {435, 0.7460676524}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(choices.partner[i], golden[i].first) << i;
    EXPECT_NEAR(choices.weight[i], golden[i].second, 1e-7) << i;
  }
}

// The distribution of max(w, 1 - w); values computed by random_golden.py.
struct Distribution {
  double alpha, mean, variance;
  std::vector<double> quantiles;  // .1, .25, .5
};

TEST(MixupChoices, FollowTheBetaDistribution) {
  constexpr std::int64_t kDraws = 200000;
  for (const Distribution& want :
       {Distribution{.2, 0.8988097524, 0.0195222100, {0.652713, 0.836579, 0.976185}},
        Distribution{1, .75, 0.0208333333, {.55, .625, .75}}}) {
    const MixupChoices choices = mixup_choices(1, 0, kDraws, want.alpha);
    double sum = 0, squares = 0;
    for (const float weight : choices.weight) {
      ASSERT_GE(weight, 0.5F);
      ASSERT_LE(weight, 1.0F);
      sum += weight;
      squares += static_cast<double>(weight) * weight;
    }
    const double mean = sum / kDraws;
    EXPECT_NEAR(mean, want.mean, 5 * std::sqrt(want.variance / kDraws));
    EXPECT_NEAR(squares / kDraws - mean * mean, want.variance, want.variance * 0.02);
    const double parts[] = {.1, .25, .5};
    for (std::size_t i = 0; i < 3; ++i) {
      const auto below = std::count_if(choices.weight.begin(), choices.weight.end(),
                                       [&](float weight) { return weight < want.quantiles[i]; });
      EXPECT_NEAR(static_cast<double>(below) / kDraws, parts[i], 5 * .5 / std::sqrt(kDraws))
          << want.alpha;
    }
  }
}

TEST(MixupChoices, ExtremesAreNumbers) {
  for (const double alpha : {1e-320, 1e-3, .2, 1.0, 1e3, 1e300})
    for (const std::uint64_t u : {std::uint64_t{0}, ~std::uint64_t{0}})
      for (const std::uint64_t v : {std::uint64_t{0}, std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
        const double weight = mixup_weight(alpha, u, v);
        EXPECT_TRUE(weight >= .5 && weight <= 1) << alpha << " " << u << " " << v << " " << weight;
      }
  EXPECT_NEAR(mixup_weight(1e6, std::uint64_t{1} << 63, 0), .5, 1e-2);
  EXPECT_EQ(mixup_weight(1e-3, std::uint64_t{1} << 62, 0), 1);
}

TEST(MixupChoices, PartnersAreUniform) {
  std::vector<int> counts(10);
  for (std::int64_t epoch = 0; epoch < 3000; ++epoch)
    for (const std::int64_t partner : mixup_choices(9, epoch, 10, .2).partner)
      ++counts[static_cast<std::size_t>(partner)];
  for (const int count : counts) EXPECT_NEAR(count, 3000, 5 * 52);
}

TEST(MixupChoices, DependOnSeedAndEpoch) {
  const auto weights = [](std::uint64_t seed, std::int64_t epoch) {
    return mixup_choices(seed, epoch, 100, 1).weight;
  };
  EXPECT_EQ(weights(1, 5), weights(1, 5));
  EXPECT_NE(weights(1, 5), weights(2, 5));
  EXPECT_NE(weights(1, 5), weights(1, 6));
}

// ---- In the loader -----------------------------------------------------------------------------

constexpr std::int64_t kSamples = 40;

// Labels name the samples.
ImageSet pictures() {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(3);
  return {at::randint(0, 256, {kSamples, 3, 16, 12}, generator, at::kByte),
          at::arange(kSamples, at::kLong)};
}

LoaderOptions options_of(at::ScalarType dtype, double mixup) {
  LoaderOptions options;
  options.dtype = dtype;
  options.batch_size = kSamples;
  options.mean = {.3, .5, .2};
  options.std = {.2, .3, .4};
  options.augment = {2, true, 4, mixup};
  options.seed = 4;
  return options;
}

// By the definition, from batches that are not mixed: one rounding to the asked type.
TEST(Mixup, BlendsASampleWithItsPartner) {
  for (const auto dtype : {at::kFloat, at::kBFloat16, at::kDouble}) {
    const auto work = dtype == at::kDouble ? at::kDouble : at::kFloat;
    const Batch mixed = Loader(pictures(), options_of(dtype, .4)).train_batch(2, 0);
    const Batch plain = Loader(pictures(), options_of(work, 0)).train_batch(2, 0);
    ASSERT_TRUE(mixed.targets.equal(plain.targets));
    const at::Tensor row_of = plain.targets.argsort();  // sample -> row
    const at::Tensor partner =
        plain.inputs.index_select(0, row_of.index_select(0, mixed.mix->targets));
    const at::Tensor weight = mixed.mix->weight.to(work).view({kSamples, 1, 1, 1});
    const at::Tensor want = plain.inputs * weight + partner * (1 - weight);
    EXPECT_TRUE(mixed.inputs.equal(want.to(dtype)));
    EXPECT_FALSE(mixed.inputs.equal(plain.inputs.to(dtype)));
  }
}

TEST(Mixup, GivesTheChoicesOfTheEpoch) {
  const Batch batch = Loader(pictures(), options_of(at::kFloat, .4)).train_rows(2, 3, 9);
  const MixupChoices choices = mixup_choices(4, 2, kSamples, .4);
  for (std::int64_t i = 0; i < 9; ++i) {
    const auto sample = static_cast<std::size_t>(batch.targets[i].item<std::int64_t>());
    EXPECT_EQ(batch.mix->targets[i].item<std::int64_t>(), choices.partner[sample]);
    EXPECT_EQ(batch.mix->weight[i].item<float>(), choices.weight[sample]);
  }
}

TEST(Mixup, IsOfTrainingAlone) {
  Loader mixing(pictures(), options_of(at::kFloat, .4)),
      plain(pictures(), options_of(at::kFloat, 0));
  const Batch batch = mixing.evaluation_batch(0);
  EXPECT_FALSE(batch.mix.has_value());
  EXPECT_FALSE(batch.mix.has_value());
  EXPECT_TRUE(batch.inputs.equal(plain.evaluation_batch(0).inputs));
  EXPECT_FALSE(plain.train_batch(0, 0).mix.has_value());
}

}  // namespace
}  // namespace onecycle
