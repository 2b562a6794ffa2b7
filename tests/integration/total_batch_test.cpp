// What ranks say of a total batch that is given, of norms and of rates.

#include "integration/rank_programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Ranks, ATotalBatchIsTheirsWhateverTheirNumber) {
  const std::vector<std::string> total = {"--set", "data.total_batch_size=36"};
  const Json one = end_of(run_program(on_ranks("1", "36", total)));
  const Outcome two = run_program(on_ranks("2", "9", total));
  expect_same_run(one, end_of(two));
  EXPECT_THAT(two.err, HasSubstr("total batch 36 = 9 per rank × 2 ranks × 2 accumulated"));
  const Outcome alone = run_program(on_ranks("1", "18", total));
  expect_same_run(one, end_of(alone));
  EXPECT_THAT(alone.err, HasSubstr("total batch 36 = 18 × 2 accumulated"));
  auto five = on_ranks("5", "9", total);
  five.push_back("--dry-run");
  const Outcome refused = run_program(five);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("shared evenly by 5 ranks: take 35 or 40"));
}

TEST_F(Ranks, BatchNormsSaySizeOfWhatTheySee) {
  const std::vector<std::string> norms = {"--dry-run", "--set", "model={name: resnet8}"};
  EXPECT_THAT(run_program(on_ranks("2", "16", norms)).err,
              AllOf(HasSubstr("batch norms see 16 samples at once"), HasSubstr("train.sync_bn")));
  auto synchronised = norms;
  synchronised.insert(synchronised.end(), {"--set", "train.sync_bn=true"});
  EXPECT_THAT(run_program(on_ranks("2", "16", synchronised)).err,
              HasSubstr("batch norms see 32 samples at once, of all ranks"));
  EXPECT_THAT(run_program(on_ranks("2", "16", {"--dry-run"})).err, Not(HasSubstr("batch norms")));
}

TEST_F(Ranks, ARateFoundAtAnotherTotalBatchIsWarnedOf) {
  const std::vector<std::string> found = {"--dry-run", "--set", "train.lr_found_at=128"};
  const Outcome other = run_program(on_ranks("2", "16", found));
  EXPECT_EQ(lines_with(other.err, "found at a total batch of 128, and this run's is 32"), 1)
      << other.err;
  EXPECT_THAT(other.err, AllOf(HasSubstr("0.25 (linear rule)"), HasSubstr("0.5 (sqrt rule)")));
  EXPECT_THAT(run_program(on_ranks("2", "64", found)).err, Not(HasSubstr("was found at")));
}

// Several seeds are told once, and each run's folder keeps it.
TEST_F(Ranks, SeedsAndFilesAreToldOfNormsAndRates) {
  const Outcome outcome = run_program(on_ranks(
      "1", "16",
      {"--seeds", "2", "--set", "model={name: resnet8}", "--set", "data.total_batch_size=32",
       "--set", "train.lr_found_at=128", "--set", "train.duration=20it"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(lines_with(outcome.err, "batch norms see 16 samples at once"), 1) << outcome.err;
  EXPECT_EQ(lines_with(outcome.err, "found at a total batch of 128, and this run's is 32"), 1);
  EXPECT_EQ(lines_with(outcome.out, "\"event\":\"note\""), 2);
  for (const std::string run : {"1", "2"}) {
    const std::string events = read_bytes(folder_ / ("runs/shared/" + run + "/events.csv"));
    EXPECT_EQ(lines_with(events, ",note,"), 1) << events;
    EXPECT_EQ(lines_with(events, ",warning,\"the learning rate was found at"), 1) << events;
  }
}

}  // namespace
}  // namespace onecycle::testing
