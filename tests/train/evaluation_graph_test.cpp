// When an evaluation's passes are recorded and replayed, and that they are the plain evaluation,
// with a recorder that needs no GPU.

#include "train/step/evaluation_graph.h"

#include "onecycle/error.h"

#include "network/views.h"
#include "train/run_plan.h"
#include "train/step/forward.h"
#include "train/support.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct CallLog {
  std::vector<std::string> calls;
  int count(const std::string& name) const {
    return static_cast<int>(std::count(calls.begin(), calls.end(), name));
  }
};

// Replays by running again what it recorded, with what that kept.
struct RepeatingRecorder : GraphRecorder {
  RepeatingRecorder(CallLog& made, bool broken) : log(made), breaks(broken) {}
  void on_stream(const std::function<void()>& what) override {
    log.calls.emplace_back("warm up");
    what();
  }
  void record(const std::function<void()>& what) override {
    log.calls.emplace_back("record");
    if (breaks) throw std::runtime_error("operation not permitted\nwhen capturing");
    what();
    work = what;
  }
  void replay() override {
    log.calls.emplace_back("replay");
    work();
  }
  void drop() override {}
  CallLog& log;
  bool breaks;
  std::function<void()> work;
};

// A run's graph beside a step that is one, or not yet.
struct GraphedEvaluation {
  explicit GraphedEvaluation(const std::vector<std::string>& overrides = {})
      : run(tiny_run(overrides)),
        graph(run, {[this]() -> std::unique_ptr<GraphRecorder> {
                      if (!step_is_recorded) return nullptr;
                      return std::make_unique<RepeatingRecorder>(log, breaks);
                    },
                    [this](const std::string& why) { warnings.push_back(why); }}) {}

  // Equal to logits_of_views(); how many replays it took.
  int replays_for(const at::Tensor& inputs,
                  TestTimeAugmentation views = TestTimeAugmentation::none) {
    const at::NoGradGuard no_grad;
    run.model->eval();
    const int before = log.count("replay");
    const at::Tensor plain = logits_of_views(*run.model, inputs, views, run.compute.memory_format);
    EXPECT_TRUE(graph.logits(inputs, views).equal(plain));
    return log.count("replay") - before;
  }
  // As far as the first replay.
  void record(const at::Tensor& inputs) {
    for (std::int64_t i = 0; i < EvaluationGraph::kWarmUps; ++i) EXPECT_EQ(replays_for(inputs), 0);
    EXPECT_EQ(replays_for(inputs), 1);
  }
  void change_weights() {
    const at::NoGradGuard no_grad;
    for (const Parameter& parameter : run.parameters->all())
      at::Tensor(parameter.master).mul_(1.25).add_(0.01);
    run.parameters->refresh_working();
  }

  RecipeRun run;
  CallLog log;
  bool step_is_recorded = true;
  bool breaks = false;
  std::vector<std::string> warnings;
  EvaluationGraph graph;
};

at::Tensor random_pictures(std::int64_t count) { return at::randn({count, 1, 8, 8}); }

TEST(EvaluationGraph, WarmsUpRecordsAndReplays) {
  ASSERT_EQ(EvaluationGraph::kWarmUps, 3);
  GraphedEvaluation one;
  for (int i = 0; i < 5; ++i) one.replays_for(random_pictures(6));
  EXPECT_THAT(one.log.calls,
              ElementsAre("warm up", "warm up", "warm up", "record", "replay", "replay"));
  EXPECT_TRUE(one.warnings.empty());
}

TEST(EvaluationGraph, WaitsForTheGraphOfTheStep) {
  GraphedEvaluation one;
  one.step_is_recorded = false;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(one.replays_for(random_pictures(6)), 0);
  EXPECT_TRUE(one.log.calls.empty());
  one.step_is_recorded = true;
  one.record(random_pictures(6));
}

TEST(EvaluationGraph, ScoresAsThePlainEvaluationWhileWeightsChange) {
  const std::vector<std::vector<std::string>> recipes = {
      {"model={name: mlp, hidden: [12], dropout: 0.3}"},
      {"train.tta=flip+shift"},
      {"train.tta=flip", "train.tta_share=0.5"},
      {"model={name: resnet8, width: 4}", "train.precision=bf16"},
      {"train.precision=fp64"}};
  for (const auto& recipe : recipes) {
    SCOPED_TRACE(testing::PrintToString(recipe));
    GraphedEvaluation one(recipe);
    for (int i = 0; i < 7; ++i) {
      std::vector<float> plain, own;
      const Score wanted = evaluate(one.run, *one.run.test, false, plain);
      const Score score = evaluate_by(one.run, *one.run.test, false, &one.graph, &own);
      EXPECT_EQ(score.loss, wanted.loss);
      EXPECT_EQ(score.samples, 37);
      EXPECT_EQ(score.metric(), wanted.metric());
      EXPECT_EQ(own, plain);
      one.change_weights();
    }
    EXPECT_EQ(one.log.count("replay"), 4);
  }
}

// Weights stand elsewhere for a while, or for good, and inputs come as they were not recorded.
TEST(EvaluationGraph, WhatReadsOtherMemoryIsNeverReplayed) {
  GraphedEvaluation one({"train.precision=bf16"});
  const at::Tensor inputs = random_pictures(6).to(at::kBFloat16);
  one.record(inputs);
  {
    const Parameters::MasterScope masters(*one.run.parameters);
    EXPECT_EQ(one.replays_for(inputs.to(at::kFloat)), 0);
  }
  EXPECT_EQ(one.replays_for(inputs), 1);
  EXPECT_EQ(one.replays_for(inputs, TestTimeAugmentation::flip), 0);
  EXPECT_EQ(one.replays_for(inputs), 1);
  at::Tensor weight = one.run.model->parameters()[0];
  weight.set_data(weight.detach().clone().mul_(2));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(one.replays_for(inputs), 0);
  EXPECT_EQ(one.log.count("record"), 1);
}

TEST(EvaluationGraph, MastersAreEvaluatedAsTheyAre) {
  GraphedEvaluation one({"train.precision=bf16"});
  for (int i = 0; i < 6; ++i) {
    const double wanted = evaluate(one.run, *one.run.test, true).loss;
    EXPECT_EQ(evaluate_by(one.run, *one.run.test, true, &one.graph, nullptr).loss, wanted);
  }
  EXPECT_TRUE(one.log.calls.empty());
}

TEST(EvaluationGraph, HasOneForEachOfTwoSizes) {
  ASSERT_EQ(EvaluationGraph::kSizes, 2u);
  GraphedEvaluation one;
  one.record(random_pictures(6));
  one.record(random_pictures(8));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(one.replays_for(random_pictures(10)), 0);
  EXPECT_EQ(one.replays_for(random_pictures(6)), 1);
  EXPECT_EQ(one.replays_for(random_pictures(8)), 1);
  EXPECT_EQ(one.log.count("record"), 2);
}

TEST(EvaluationGraph, OutputsOutliveTheNextReplay) {
  GraphedEvaluation one;
  const at::Tensor first = random_pictures(6);
  one.record(first);
  const at::NoGradGuard no_grad;
  const at::Tensor outputs = one.graph.logits(first, TestTimeAugmentation::none);
  one.graph.logits(random_pictures(6), TestTimeAugmentation::none);
  EXPECT_TRUE(outputs.equal(logits_of_views(*one.run.model, first, TestTimeAugmentation::none,
                                            one.run.compute.memory_format)));
}

TEST(EvaluationGraph, IsRecordedAnewWhereItWasDropped) {
  GraphedEvaluation one;
  one.record(random_pictures(6));
  one.graph.drop();
  one.step_is_recorded = false;
  EXPECT_EQ(one.replays_for(random_pictures(6)), 0);
  one.step_is_recorded = true;
  one.record(random_pictures(6));
  EXPECT_EQ(one.log.count("record"), 2);
}

TEST(EvaluationGraph, GoesOnWithoutOneAfterAFailure) {
  GraphedEvaluation one;
  one.breaks = true;
  for (int i = 0; i < 7; ++i) EXPECT_EQ(one.replays_for(random_pictures(6)), 0);
  EXPECT_THAT(one.warnings, ElementsAre("evaluations run without a CUDA graph: operation not "
                                        "permitted"));
  one.graph.drop();
  for (int i = 0; i < 7; ++i) EXPECT_EQ(one.replays_for(random_pictures(8)), 0);
  EXPECT_EQ(one.log.count("record"), 1);
}

TEST(EvaluationGraph, OnNeedsAGpuAndTheGraphOfTheStep) {
  try {
    tiny_run({"train.evaluation_graph=on"});
    FAIL();
  } catch (const RecipeError& error) {
    EXPECT_THAT(error.what(), HasSubstr("train.evaluation_graph: on needs a CUDA device"));
  }
  auto run = tiny_run();
  run.compute.device = at::Device(at::kCUDA, 0);
  run.options.evaluation_graph = GraphChoice::on;
  run.options.graph = GraphChoice::off;
  try {
    follow(run, RunPlan());
    FAIL();
  } catch (const FieldError& error) {
    EXPECT_THAT(error.what(), HasSubstr("train.graph is off"));
  }
}

// ---- On a GPU ----------------------------------------------------------------------------------

struct Scores : Observer {
  void on_evaluated(const Evaluated& event, StopSignal&) override {
    losses.push_back(event.validation->loss);
    losses.push_back(event.test->loss);
  }
  void on_notice(const Notice& notice) override { notices.push_back(notice.message); }
  std::vector<double> losses;
  std::vector<std::string> notices;
};

Scores scores_of(std::vector<std::string> overrides, const std::string& choice) {
  overrides.insert(overrides.end(), {"train.device=cuda", "train.evaluation_graph=" + choice,
                                     "train.duration=14ep"});
  auto run = tiny_run(overrides);
  Scores seen;
  Trainer trainer(run);
  trainer.observe(seen);
  trainer.fit();
  return seen;
}

// The step is a graph from the third epoch on, the evaluations' passes from the sixth.
TEST(CudaEvaluationGraph, GivesTheScoresOfSinglePasses) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  const std::vector<std::vector<std::string>> recipes = {
      {"model={name: mlp, hidden: [12], dropout: 0.3}", "train.ema_decay=0.9"},
      {"model={name: resnet8, width: 4}", "train.tta=flip+shift"},
      {"model={name: resnet8, width: 4}", "train.precision=bf16", "train.tta=flip",
       "train.tta_share=0.5"},
      {"train.freeze=[{match: 'layers.0.*', until: 7ep}]"}};
  for (const auto& recipe : recipes) {
    SCOPED_TRACE(recipe[0]);
    const Scores single = scores_of(recipe, "off");
    const Scores whole = scores_of(recipe, "on");
    EXPECT_TRUE(whole.notices.empty());
    ASSERT_EQ(single.losses.size(), whole.losses.size());
    for (std::size_t i = 0; i < single.losses.size(); ++i)
      EXPECT_NEAR(single.losses[i], whole.losses[i], 1e-5 * (1 + static_cast<double>(i))) << i;
  }
}

}  // namespace
}  // namespace onecycle
