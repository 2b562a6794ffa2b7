// Batch norms of runs that several ranks train: synchronised, shared for evaluation, in groups.

#include "onecycle/error.h"

#include "train/rank_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

namespace onecycle {
namespace {

using ::testing::HasSubstr;

constexpr const char* kResNet[] = {"model={name: resnet8}", "train.precision=fp64",
                                   "train.sync_bn=true", "optimizer.weight_decay=1e-4"};

TEST(Ranks, SynchronisedNormsAreThoseOfTheWholeBatch) {
  const Settings resnet(std::begin(kResNet), std::end(kResNet));
  const Trained one = train_on(alone(), with(resnet, {batch(16), "train.duration=4ep"}));
  expect_same(one, train_on_ranks(2, with(resnet, {batch(8), "train.duration=4ep"})), 1e-9);
}

TEST(Ranks, NormsOfEachRankAreSharedForEvaluation) {
  Settings own(std::begin(kResNet), std::end(kResNet));
  own.push_back("train.sync_bn=false");
  const Trained two = train_on_ranks(2, with(own, {batch(8)}));  // bitwise equal, buffers too
  const Trained one = train_on(alone(), with(own, {batch(16)}));
  EXPECT_GT(largest_difference(one.weights, two.weights), 1e-9) << "they normalise otherwise";
}

TEST(Ranks, NormsOfWholeGroupsDoNotDependOnRanksAndPasses) {
  for (const std::string model :
       {"model={name: resnet8, width: 4, bn_batch: 4}",
        "model={name: mlp, hidden: [12, 16], norm: batch, bn_batch: 4}",
        "model={name: mlp, hidden: [12, 16], block: residual, norm: batch, bn_batch: 4}"})
    for (const std::string more : {"train.ema_decay=null", "train.ema_decay=0.8",
                                   "train.freeze=[{match: '*1*', from: 3it}]"}) {
      SCOPED_TRACE(model + " " + more);
      const Settings groups = {model, more, "train.precision=fp64"};
      const Trained one = train_on(alone(), with(groups, {batch(16)}));
      const auto same = [&](const Trained& other) {
        EXPECT_LT(largest_difference(one.weights, other.weights), 1e-9);
        expect_same(one, other, 1e-6);  // losses are summed in fp32
      };
      same(train_on(alone(), with(groups, {batch(4), "train.accumulate=4"})));
      same(train_on_ranks(2, with(groups, {batch(8)})));
      same(train_on_ranks(2, with(groups, {batch(4), "train.accumulate=2"})));
      same(train_on_ranks(4, with(groups, {batch(4)})));
    }
}

TEST(Ranks, GhostNormsTakeWholeGroupsAndAreNotSynchronised) {
  const auto refuses = [](const Settings& settings, const std::string& why) {
    EXPECT_THAT([&] { run_on(alone(), with({"model={name: resnet8, bn_batch: 8}"}, settings)); },
                ::testing::ThrowsMessage<RecipeError>(HasSubstr(why)));
  };
  refuses({batch(20)}, "passes of 20 samples are not whole groups of 8; take passes of 16 or 24");
  refuses({batch(4)}, "passes of 4 samples are not whole groups of 8; take passes of 8 samples");
  refuses({batch(16), "train.sync_bn=true"}, "does not go with model.bn_batch");
  refuses({"data.batch_size=all", "train.accumulate=3"}, "of 26 and 27 samples");
  EXPECT_NO_THROW(run_on(alone(), {"model={name: resnet8, bn_batch: 8}", "data.batch_size=all"}));
}

}  // namespace
}  // namespace onecycle
