// Training in fp16: against fp32, through a checkpoint, and what is told of skipped steps.

#include "onecycle/error.h"

#include "train/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

struct Seen : Observer {
  void on_log_point(const LogPoint& point, StopSignal&) override { logs.push_back(point); }
  std::vector<LogPoint> logs;
};

RunEnd fit(Run& run, Seen& seen) {
  Trainer trainer(run);
  trainer.observe(seen);
  return trainer.fit();
}

const std::vector<std::vector<std::string>> kNets = {
    {"model={name: mlp, hidden: [12]}"},
    {"model={name: mlp, hidden: [12]}", "train.grad_clip=0.1", "train.accumulate=2",
     "data.batch_size=8"},
    {"model={name: resnet8, width: 4}", "optimizer={name: adamw}", "schedule.lr_max=0.01"}};

TEST(Half, TrainsAsFullPrecisionDoes) {
  for (std::vector<std::string> net : kNets) {
    SCOPED_TRACE(net.front() + " " + net.back());
    const auto losses = [&](const std::string& precision) {
      auto recipe = net;
      recipe.insert(recipe.end(), {"train.precision=" + precision, "train.log_every=1"});
      auto run = tiny_run(recipe);
      Seen seen;
      EXPECT_EQ(fit(run, seen).reason, StopReason::finished);
      return seen.logs;
    };
    const auto half = losses("fp16");
    const auto single = losses("fp32");
    EXPECT_FALSE(single[0].scaling);
    ASSERT_EQ(half.size(), single.size());
    EXPECT_EQ(half.back().scaling->skipped_steps, 0);
    for (std::size_t i = 0; i < half.size(); ++i)
      EXPECT_NEAR(half[i].train.loss, single[i].train.loss, 0.02) << i;
    EXPECT_EQ(half.back().scaling->scale, 65536);
    EXPECT_LT(half.back().train.loss, 0.9 * half.front().train.loss);
  }
}

// A weight so large that scaled gradients leave fp16's range: some steps only lower the scale.
TEST(Half, SkippedStepsAreCountedAndChangeNothing) {
  auto run = tiny_run({"train.precision=fp16", "train.log_every=1", "train.duration=10it",
                       "schedule={name: constant, lr: 1e-9}"});
  {
    const at::NoGradGuard no_grad;
    run.parameters->all().front().master.mul_(1e-2);
    run.parameters->all()[2].master.mul_(1e2);
    run.parameters->refresh_working();
  }
  Seen seen;
  EXPECT_EQ(fit(run, seen).reason, StopReason::finished);
  std::int64_t skipped = 0;
  for (const LogPoint& point : seen.logs) {
    ASSERT_TRUE(point.scaling);
    EXPECT_EQ(point.scaling->scale, 65536 / static_cast<double>(1 << point.scaling->skipped_steps));
    EXPECT_LE(point.scaling->skipped_steps - skipped, 1);
    skipped = point.scaling->skipped_steps;
  }
  EXPECT_GT(skipped, 0);
  EXPECT_LT(skipped, 10);
}

TEST(Half, GradientsThatNoScaleMendsAreADivergence) {
  auto run = tiny_run({"train.precision=fp16", "train.log_every=1", "train.duration=60it",
                       "train.evaluate_every=60it"});
  // Finite in the forward pass; its gradients are not.
  run.parameters->all().front().working.register_hook(
      [](const at::Tensor& gradient) { return at::full_like(gradient, INFINITY); });
  const auto before = state_of(run);
  Seen seen;
  const RunEnd end = fit(run, seen);
  EXPECT_EQ(end.reason, StopReason::diverged);
  EXPECT_THAT(end.message, testing::HasSubstr("gradients at any loss scale are not finite"));
  EXPECT_EQ(end.steps, 41);  // 2^16 to below 2^-24
  EXPECT_TRUE(bitwise_equal(before, state_of(run)));
}

TEST(Half, AnOperationThatIsMissingIsNamed) {
  auto run = tiny_run({"train.precision=fp16"});
  run.parameters->all().front().working.register_hook([](const at::Tensor& gradient) {
    TORCH_CHECK_NOT_IMPLEMENTED(false, "\"pool\" not implemented for 'Half'");
    return gradient;
  });
  try {
    Trainer(run).fit();
    FAIL();
  } catch (const FieldError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("train.precision: fp16"),
                                             testing::HasSubstr("\"pool\" not implemented")));
  }
}

struct Memory : CheckpointStore {
  std::string save(const Snapshot& snapshot, std::int64_t steps, bool) override {
    if (steps == 5) kept = snapshot;
    return "memory";
  }
  std::optional<Snapshot> load_latest(std::vector<std::string>&) override { return kept; }
  std::optional<Snapshot> kept;
};

TEST(Half, ResumesWithItsScale) {
  const std::vector<std::string> recipe = {"train.precision=fp16", "train.log_every=1",
                                           "output.checkpoint_every=5it"};
  auto whole = tiny_run(recipe);
  Memory memory;
  Seen seen;
  Trainer trainer(whole);
  trainer.observe(seen);
  trainer.keep_checkpoints_in(memory);
  trainer.fit();
  ASSERT_TRUE(memory.kept);

  auto halved = *memory.kept;
  std::string& text = halved.metadata["state"];
  const auto at = text.find("\"loss_scale\":[65536");
  ASSERT_NE(at, std::string::npos) << text;
  auto rest = tiny_run(recipe);
  Trainer again(rest);
  again.resume(*memory.kept, "memory");
  again.fit();
  EXPECT_TRUE(bitwise_equal(state_of(whole), state_of(rest)));

  text.replace(at + 14, 5, "16384");
  auto other = tiny_run(recipe);
  Seen later;
  Trainer third(other);
  third.observe(later);
  third.resume(halved, "memory");
  third.fit();
  EXPECT_EQ(later.logs.back().scaling->scale, 16384);
}

}  // namespace
}  // namespace onecycle
