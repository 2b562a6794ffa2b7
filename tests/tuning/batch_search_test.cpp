// The search for a batch size on made-up memories and speeds: pure functions.

#include "onecycle/batch_recipes.h"
#include "onecycle/error.h"
#include "onecycle/optimizers.h"
#include "onecycle/schedules.h"

#include "core/rng.h"
#include "support/choices.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace onecycle::testing {
namespace {

struct Search {
  std::int64_t found = 0;
  std::vector<std::int64_t> asked;
};

Search search(std::int64_t edge, std::int64_t most, std::int64_t unit = 1) {
  Search result;
  result.found = find_largest_batch(
      most,
      [&](std::int64_t batch) {
        result.asked.push_back(batch);
        return batch <= edge;
      },
      unit);
  return result;
}

TEST(BatchSearch, EndsWithin8Or5PercentOfTheEdge) {
  for (std::int64_t edge = 8; edge < 70000; edge += 1 + edge / 17) {
    const Search result = search(edge, 100000);
    EXPECT_LE(result.found, edge);
    EXPECT_LE(edge - result.found, std::max<std::int64_t>(8, result.found / 20)) << edge;
    EXPECT_EQ(result.found % 8, 0);
    EXPECT_LE(result.asked.size(), 24U) << edge;
  }
}

TEST(BatchSearch, AsksEverySizeOnceAndNoneBeyondTheMost) {
  for (const std::int64_t most : {1, 5, 8, 9, 100, 1003})
    for (const std::int64_t edge : {0, 1, 4, 7, 8, 50, 99, 100, 1003, 5000}) {
      const Search result = search(edge, most);
      const std::set<std::int64_t> once(result.asked.begin(), result.asked.end());
      EXPECT_EQ(once.size(), result.asked.size());
      EXPECT_LE(*once.rbegin(), most);
      EXPECT_EQ(result.found == 0, edge == 0);
      if (edge >= most) {
        EXPECT_EQ(result.found, most);
      }
    }
}

TEST(BatchSearch, GoesDownTo1) {
  EXPECT_EQ(search(1, 1000).found, 1);
  EXPECT_EQ(search(3, 1000).found, 2);
  EXPECT_EQ(search(7, 1000).found, 4);
  EXPECT_EQ(search(0, 1000).found, 0);
  EXPECT_EQ(search(0, 1000).asked.back(), 1);
}

TEST(BatchSearch, GoesInUnits) {
  for (const std::int64_t unit : {2, 3, 5, 8, 12, 32})
    for (const std::int64_t most : {1, 7, 40, 1000, 4100})
      for (const std::int64_t edge : {0, 3, 31, 32, 33, 100, 700, 9000}) {
        const Search result = search(edge, most, unit);
        for (const std::int64_t batch : result.asked) EXPECT_EQ(batch % unit, 0) << unit;
        EXPECT_EQ(std::set(result.asked.begin(), result.asked.end()).size(), result.asked.size());
        EXPECT_EQ(result.asked.empty(), most < unit);
        EXPECT_EQ(result.found == 0, std::min(edge, most) < unit) << edge << ' ' << unit;
        EXPECT_LE(result.found, edge);
        if (edge >= most) {
          EXPECT_EQ(result.found, most / unit * unit);
        } else if (result.found >= 8) {
          EXPECT_LE(edge - result.found, std::max(unit + 7, result.found / 20)) << edge;
        }
      }
  EXPECT_EQ(search(1000, 1000, 32).asked.front(), 32) << "one group";
  EXPECT_EQ(search(31, 1000, 32).asked.size(), 1U);
}

// Samples a second saturate with the batch, under a noise of at most 1 % either way.
std::vector<BatchProbe> noisy_probes(std::int64_t edge, double half_speed_at) {
  std::vector<BatchProbe> probes;
  find_largest_batch(100000, [&](std::int64_t batch) {
    const auto words = random_words(5, RandomUse::order, 0, static_cast<std::uint64_t>(batch));
    const double noise = 0.99 + 0.02 * bounded(words.word[0], 1000) / 1000;
    const auto size = static_cast<double>(batch);
    BatchProbe probe;
    probe.batch = batch;
    probe.fits = batch <= edge;
    probe.samples_per_second = probe.fits ? noise * 1000 * size / (size + half_speed_at) : 0;
    probes.push_back(probe);
    return probe.fits;
  });
  return probes;
}

TEST(BatchChoice, TheFastestIsTheSmallestNearTheBest) {
  // 5 % below the best of about 999: size / (size + 8) reaches 0.95 at 152, of 8, 16, 32, ... at
  // 256.
  const BatchChoice choice = choose_batch(noisy_probes(9000, 8), 60000, 1);
  EXPECT_NEAR(choice.largest, 9000, 450);
  EXPECT_EQ(choice.fastest, 256);
  EXPECT_EQ(choice.chosen, 256);
  EXPECT_EQ(choice.chosen_steps, 234);
  EXPECT_EQ(choice.bound, BatchBound::throughput);
}

TEST(BatchChoice, KeepsFiftyStepsAnEpoch) {
  const auto probes = noisy_probes(9000, 8);
  const BatchChoice few = choose_batch(probes, 10000, 1);
  EXPECT_EQ(few.chosen, 200);
  EXPECT_EQ(few.chosen_steps, 50);
  EXPECT_EQ(few.bound, BatchBound::steps_per_epoch);
  EXPECT_EQ(choose_batch(probes, 10000, 3).chosen, 64) << "accumulation counts";
  EXPECT_EQ(choose_batch(probes, 20, 1).chosen, 8) << "no smaller one was tried";
}

TEST(BatchChoice, IsWholeUnits) {
  const std::vector<BatchProbe> probes = {{48, true, 500, 0, ""}, {480, true, 1000, 0, ""}};
  EXPECT_EQ(choose_batch(probes, 10000, 1, 48).chosen, 192) << "50 steps of at most 200";
  EXPECT_EQ(choose_batch(probes, 1000, 1, 48).chosen, 48) << "no fewer than one";
  EXPECT_EQ(choose_batch(probes, 5000, 1, 3).chosen, 99) << "50 steps of at most 100, in nines";
  EXPECT_EQ(choose_share(probes, 50000, 960, 2, 48).chosen, 480);
  EXPECT_EQ(choose_share(probes, 50000, 500, 2, 48).chosen, 480) << "250 are not: a run refuses";
}

TEST(BatchChoice, SaysWhenTheLargestIsTheFastest) {
  const BatchChoice choice = choose_batch(noisy_probes(900, 1e6), 1000000, 1);
  EXPECT_EQ(choice.chosen, choice.largest);
  EXPECT_EQ(choice.bound, BatchBound::limit);
  EXPECT_EQ(choose_batch({}, 1000, 1).largest, 0);
}

// What a network cannot train at, such as a batch of 1 with batch norm, does not fit either.
TEST(BatchChoice, IsTriedBeforeItIsTaken) {
  for (const std::int64_t num_train : {20, 150, 1000, 10000})
    for (const std::int64_t hole : {0, 8, 16, 200}) {  // a size that fails, whatever fits around it
      std::vector<BatchProbe> probes = {
          {8, hole != 8, 100, 0, ""}, {16, hole != 16, 150, 0, ""}, {512, true, 1000, 0, ""}};
      const BatchChoice choice = choose_tried(
          probes, [&] { return choose_batch(probes, num_train, 1); },
          [&](std::int64_t batch) {
            probes.push_back({batch, batch != hole, 500, 0, ""});
          });
      const auto fits = [&](const BatchProbe& probe) {
        return probe.batch == choice.chosen && probe.fits;
      };
      EXPECT_EQ(std::count_if(probes.begin(), probes.end(), fits), 1) << num_train << ' ' << hole;
    }
}

TEST(BatchChoice, AShareIsTriedBeforeItIsTaken) {
  std::vector<BatchProbe> probes = {{128, true, 900, 0, ""}, {300, true, 910, 0, ""}};
  std::vector<std::int64_t> asked;
  const BatchChoice choice = choose_tried(
      probes, [&] { return choose_share(probes, 50000, 2048, 4); },
      [&](std::int64_t batch) {
        asked.push_back(batch);
        probes.push_back({batch, false, 0, 0, "out of memory"});
      });
  EXPECT_EQ(asked, std::vector<std::int64_t>{256});
  EXPECT_EQ(choice.chosen, 128) << "512 for each of 4, in four passes";
}

TEST(BatchChoice, ATotalBatchIsSharedByWhatFits) {
  const std::vector<BatchProbe> probes = {
      {128, true, 900, 0, ""}, {300, true, 910, 0, ""}, {512, false, 0, 0, "out of memory"}};
  const BatchChoice choice = choose_share(probes, 50000, 2048, 4);
  EXPECT_EQ(choice.largest, 300);
  EXPECT_EQ(choice.chosen, 256) << "512 for each of 4, in two passes";
  EXPECT_EQ(choice.chosen_steps, 24);
  EXPECT_EQ(choice.bound, BatchBound::total);
  EXPECT_EQ(choose_share(probes, 50000, 2018, 2).chosen, 300) << "1009 is a prime: a run refuses";
  EXPECT_EQ(choose_share({}, 50000, 2048, 4).largest, 0);
}

// ---- The learning rate ----

Recipe recipe_of(const std::string& key, const std::string& lr) {
  Recipe recipe;
  recipe.data.batch_size = {128, false};
  recipe.optimizer = chosen(builtin_optimizers(), "sgd");
  recipe.schedule = chosen(builtin_schedules(), "one_cycle", key + ": " + lr);
  return recipe;
}

TEST(LrRule, ScalesWithTheTotalBatch) {
  EXPECT_DOUBLE_EQ(lr_factor(LrRule::linear, 128, 512), 4);
  EXPECT_DOUBLE_EQ(lr_factor(LrRule::sqrt, 128, 512), 2);
  EXPECT_DOUBLE_EQ(lr_factor(LrRule::none, 128, 512), 1);
  const auto lr_max = [](const Recipe& recipe) { return option_of(recipe.schedule, "lr_max"); };
  const Recipe recipe = recipe_of("lr_max", "0.25");
  EXPECT_EQ(lr_max(with_batch(recipe, 512, LrRule::linear, 60000)), "1");
  EXPECT_EQ(lr_max(with_batch(recipe, 512, LrRule::sqrt, 60000)), "0.5");
  EXPECT_EQ(lr_max(with_batch(recipe, 512, LrRule::none, 60000)), "0.25");
  EXPECT_EQ(with_batch(recipe, 512, LrRule::none, 60000).data.batch_size.count, 512);
  Recipe found = recipe;
  found.train.lr_found_at = 256;  // on two ranks of 128
  EXPECT_EQ(with_batch(found, 512, LrRule::linear, 60000).train.lr_found_at, 1024);
  EXPECT_EQ(with_batch(found, 512, LrRule::none, 60000).train.lr_found_at, 256);
  Recipe kept = recipe;
  kept.data.total_batch_size = 2048;
  EXPECT_EQ(lr_max(with_batch(kept, 512, LrRule::linear, 60000)), "0.25") << "the total stays";
  Recipe whole = recipe;
  whole.data.batch_size.all = true;
  EXPECT_EQ(lr_max(with_batch(whole, 500, LrRule::linear, 1000)), "0.125");
}

TEST(LrRule, ReachesSegmentsAndTheOptimizer) {
  Recipe recipe;
  recipe.optimizer = chosen(builtin_optimizers(), "sgd", "lr: 0.5");
  recipe.schedule = chosen(builtin_schedules(), "segments", "lr: [{from: 0.1, to: 0.3}]");
  const Recipe scaled = with_batch(recipe, 256, LrRule::linear, 60000);
  EXPECT_THAT(option_of(scaled.schedule, "lr"), ::testing::HasSubstr("from: 0.2, to: 0.6"));
  EXPECT_EQ(option_of(with_batch(recipe, 32, LrRule::linear, 60000).optimizer, "lr"), "0.125");
  recipe.optimizer = chosen(builtin_optimizers(), "sgd");
  recipe.schedule = chosen(builtin_schedules(), "one_cycle");
  EXPECT_THROW(with_batch(recipe, 32, LrRule::linear, 60000), RecipeError) << "no rate anywhere";
}

TEST(LrRule, IsStatedWithItsNumbers) {
  EXPECT_EQ(lr_rule_text(LrRule::linear, 128, 512),
            "the total batch goes from 128 to 512: the linear rule multiplies the learning rate by "
            "512/128 = 4");
  EXPECT_NE(lr_rule_text(LrRule::none, 128, 512).find("range test"), std::string::npos);
}

TEST(TrialRecipe, SeesAsManySamplesWhateverItsUnit) {
  Recipe recipe = recipe_of("lr_max", "0.1");
  recipe.train.duration = {300, Duration::Unit::steps};
  const Recipe trial = trial_recipe(recipe, 512, LrRule::none, 60000, std::nullopt);
  EXPECT_EQ(trial.train.duration, (Duration{75, Duration::Unit::steps}));
  EXPECT_EQ(trial.train.evaluate_every, trial.train.duration);
  recipe.train.duration = {3, Duration::Unit::epochs};
  EXPECT_EQ(trial_recipe(recipe, 512, LrRule::none, 60000, std::nullopt).train.duration.count, 3);
  EXPECT_EQ(trial_recipe(recipe, 512, LrRule::none, 60000, 40).train.duration,
            (Duration{40, Duration::Unit::steps}));
}

}  // namespace
}  // namespace onecycle::testing
