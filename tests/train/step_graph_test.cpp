// When the step is recorded and what happens where it cannot be, with a recorder that needs no GPU.

#include "train/step/step_graph.h"

#include "onecycle/error.h"

#include "train/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::HasSubstr;

// Counts; `record` runs the work, as a stream that only listens would.
struct FakeRecorder : GraphRecorder {
  struct Log {
    int on_stream = 0, records = 0, replays = 0, drops = 0;
    bool alive = true;
    std::function<void()> failure;
  };
  explicit FakeRecorder(Log& made) : log(made) {}
  ~FakeRecorder() override { log.alive = false; }
  void on_stream(const std::function<void()>& work) override {
    ++log.on_stream;
    work();
  }
  void record(const std::function<void()>& work) override {
    ++log.records;
    if (log.failure) log.failure();
    work();
  }
  void replay() override { ++log.replays; }
  void drop() override { ++log.drops; }
  std::unique_ptr<GraphRecorder> beside() override { return std::make_unique<FakeRecorder>(log); }
  Log& log;
};

struct Graphed {
  explicit Graphed(bool required = false, bool recorder = true)
      : graph(recorder ? std::make_unique<FakeRecorder>(log) : nullptr, required, *group,
              {[this] { ++worked; }, [this] { ++started_over; },
               [this](const std::string& why) { warnings.push_back(why); }}) {}
  void run(int times) {
    for (int i = 0; i < times; ++i) graph.run();
  }

  std::shared_ptr<Group> group = alone();
  FakeRecorder::Log log;
  int worked = 0;
  int started_over = 0;
  std::vector<std::string> warnings;
  StepGraph graph;
};

constexpr int kBefore = static_cast<int>(StepGraph::kWarmUps);

TEST(StepGraph, WarmsUpRecordsAndReplays) {
  Graphed steps;
  steps.run(kBefore);
  EXPECT_EQ(steps.log.on_stream, kBefore);
  EXPECT_EQ(steps.log.records, 0);
  steps.run(5);
  EXPECT_EQ(steps.log.records, 1);
  EXPECT_EQ(steps.log.replays, 5) << "what was recorded did not happen: it is replayed too";
  EXPECT_EQ(steps.worked, kBefore + 1);
  EXPECT_TRUE(steps.graph.recorded());
}

TEST(StepGraph, OtherWorkIsRecordedAnew) {
  Graphed steps;
  steps.run(kBefore + 3);
  steps.graph.renew([] {});
  EXPECT_FALSE(steps.graph.recorded());
  EXPECT_EQ(steps.log.drops, 1);
  EXPECT_EQ(steps.log.on_stream, kBefore + 1) << "made on the stream that records";
  steps.run(kBefore);
  EXPECT_EQ(steps.log.records, 1);
  steps.run(1);
  EXPECT_EQ(steps.log.records, 2);
}

TEST(StepGraph, HasARecorderBesideItOnlyWhileItIsRecorded) {
  Graphed steps;
  steps.run(kBefore);
  EXPECT_EQ(steps.graph.beside(), nullptr);
  steps.run(1);
  EXPECT_NE(steps.graph.beside(), nullptr);
  steps.graph.renew([] {});
  EXPECT_EQ(steps.graph.beside(), nullptr);
  Graphed without(false, false);
  without.run(kBefore + 1);
  EXPECT_EQ(without.graph.beside(), nullptr);
}

TEST(StepGraph, GoesOnWithoutOneAfterAFailure) {
  Graphed steps;
  steps.log.failure = [] { throw std::runtime_error("operation not permitted\nwhen capturing"); };
  steps.run(kBefore + 1);
  EXPECT_EQ(steps.worked, kBefore + 1) << "the step that could not be recorded happens";
  EXPECT_EQ(steps.started_over, 1);
  EXPECT_FALSE(steps.log.alive);
  ASSERT_EQ(steps.warnings.size(), 1u);
  EXPECT_EQ(steps.warnings[0], "the step runs without a CUDA graph: operation not permitted");
  steps.run(4);
  steps.graph.renew([] {});
  steps.run(kBefore + 4);
  EXPECT_EQ(steps.log.records, 1);
  EXPECT_EQ(steps.warnings.size(), 1u);
  EXPECT_EQ(steps.worked, 2 * kBefore + 9);
}

TEST(StepGraph, AFailureIsAnErrorWhereItIsRequired) {
  Graphed steps(/*required=*/true);
  steps.log.failure = [] { throw std::runtime_error("no"); };
  steps.run(kBefore);
  EXPECT_THROW(steps.run(1), Error);
}

TEST(StepGraph, WithoutARecorderNothingIsRecorded) {
  Graphed steps(false, false);
  steps.run(30);
  EXPECT_EQ(steps.worked, 30);
  EXPECT_FALSE(steps.graph.recorded());
  EXPECT_EQ(recorder_for(GraphChoice::automatic, at::kCPU), nullptr);
}

TEST(StepGraph, OnNeedsAGpu) {
  try {
    tiny_run({"train.graph=on"});
    FAIL();
  } catch (const RecipeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("train.graph: on needs a CUDA device"));
  }
}

// ---- On a GPU ----------------------------------------------------------------------------------

struct Losses : Observer {
  void on_log_point(const LogPoint& point, StopSignal&) override {
    losses.push_back(point.train.loss);
  }
  void on_notice(const Notice& notice) override { notices.push_back(notice.message); }
  std::vector<double> losses;
  std::vector<std::string> notices;
};

Losses losses_of(std::vector<std::string> overrides, const std::string& graph) {
  overrides.insert(overrides.end(), {"train.device=cuda", "train.graph=" + graph,
                                     "train.log_every=1", "train.duration=10ep"});
  auto run = tiny_run(overrides);
  Losses seen;
  Trainer trainer(run);
  trainer.observe(seen);
  trainer.fit();
  return seen;
}

TEST(CudaGraph, GivesTheLossesOfSingleSteps) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  const std::vector<std::vector<std::string>> recipes = {
      {"model={name: mlp, hidden: [12], dropout: 0.3}", "data.augment=[{pad_crop: 1}, flip]"},
      {"train.accumulate=2", "data.batch_size=8", "train.grad_clip=0.5"},
      {"data.augment=[{mixup: 0.4}]", "optimizer={name: adamw}", "schedule.lr_max=0.01"},
      {"train.freeze=[{match: 'layers.0.*', until: 4ep}]"},
      {"train.precision=fp16"},
      {"model={name: resnet8, width: 4}", "train.precision=bf16", "train.label_smoothing=0.1"}};
  for (const auto& recipe : recipes) {
    SCOPED_TRACE(recipe[0]);
    const Losses single = losses_of(recipe, "off");
    const Losses whole = losses_of(recipe, "on");
    EXPECT_TRUE(whole.notices.empty());
    ASSERT_EQ(single.losses.size(), whole.losses.size());
    for (std::size_t i = 0; i < single.losses.size(); ++i)
      EXPECT_NEAR(single.losses[i], whole.losses[i], 1e-5 * (1 + static_cast<double>(i))) << i;
  }
}

// Pictures that lie in the host's memory give the same batches, in the graph too.
TEST(CudaGraph, ReadsPicturesInTheHostsMemory) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  const std::string augment = "data.augment=[{pad_crop: 1}, flip, {mixup: 0.4}]";
  for (const char* graph : {"off", "on"}) {
    const Losses near = losses_of({augment, "data.place=device"}, graph);
    const Losses far = losses_of({augment, "data.place=host"}, graph);
    EXPECT_TRUE(far.notices.empty());
    ASSERT_EQ(near.losses.size(), far.losses.size());
    for (std::size_t i = 0; i < near.losses.size(); ++i)
      EXPECT_NEAR(near.losses[i], far.losses[i], 1e-5 * (1 + static_cast<double>(i))) << i;
  }
}

}  // namespace
}  // namespace onecycle
