// Another task on data that are no pictures, without a recipe: a straight line through points.

#include "onecycle/optimizers.h"
#include "onecycle/range_test.h"
#include "onecycle/trainer.h"

#include "tuning/range_test/range_test_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {
namespace {

class Line : public Model {
 public:
  Line() : line_(register_module("line", torch::nn::Linear(3, 1))) {
    initialise(*this, Init::torch, 5);
  }
  at::Tensor forward(const at::Tensor& inputs) override { return line_(inputs); }

 private:
  torch::nn::Linear line_;
};

class Steady : public Schedule {
 public:
  Hyper at(std::int64_t, std::int64_t) const override { return {0.05, 0.9, 0}; }
};

struct Points {
  at::Tensor inputs, targets;
};

Points points(std::int64_t count, std::uint64_t seed) {
  at::manual_seed(seed);
  Points result{at::randn({count, 3}), {}};
  const at::Tensor slope = at::tensor({0.5f, -2.0f, 1.0f}).view({3, 1});
  result.targets = at::matmul(result.inputs, slope) + 0.25 + 0.01 * at::randn({count, 1});
  return result;
}

Run line_through(const Points& train, const Points& held_out) {
  Run run;
  run.model = std::make_shared<Line>();
  run.task = regression();
  run.train = tensor_source(train.inputs, train.targets, 3);
  run.validation = tensor_source(held_out.inputs, held_out.targets);
  run.parameters =
      std::make_shared<Parameters>(run.model, at::kCPU, at::kFloat, at::MemoryFormat::Contiguous);
  run.steps = {20, 20, 1, train.inputs.size(0) / 20, 100};
  run.options.evaluate_every = run.options.test_every = 50;
  const OptimizerPlan plan = plan_of(Sgd{});
  run.rule = plan.rule;
  run.rule.lr_max = 0.05;
  run.optimizer = plan.make(*run.parameters, run.rule);
  run.schedule = std::make_shared<Steady>();
  return run;
}

TEST(ALine, IsFound) {
  const Points held_out = points(37, 2);
  const onecycle::Run run = line_through(points(200, 1), held_out);
  const RunEnd end = Trainer(run).fit();
  EXPECT_EQ(end.reason, StopReason::finished);
  const at::Tensor errors = run.model->forward(held_out.inputs).detach() - held_out.targets;
  EXPECT_EQ(end.validation.value().samples, 37);
  EXPECT_NEAR(end.validation->loss, errors.square().mean().item<double>(), 1e-7);
  EXPECT_NEAR(end.validation->metric(), errors.square().mean().sqrt().item<double>(), 1e-6);
  EXPECT_NEAR(end.validation->metrics.at(1), errors.abs().mean().item<double>(), 1e-6);
  EXPECT_LT(end.validation->loss, 4e-4);
}

TEST(ALine, IsSweptAndPutBack) {
  const onecycle::Run run = line_through(points(200, 1), points(37, 2));
  const at::Tensor before = run.parameters->all().front().master.clone();
  Sweep plan;
  plan.high = 100;
  plan.held_out = 10;
  StopSignal stop;
  const SweepCurve curve = sweep(run, plan, stop);
  EXPECT_EQ(curve.held_out, 10);
  EXPECT_NE(curve.stopped, "") << "no line bears such rates";
  RangeTest test;
  test.sweeps = {{"a line", 0, plan, curve}};
  EXPECT_THAT(
      range_test_json(test, "line", "", ""),
      ::testing::AllOf(::testing::ContainsRegex("\"metric\": \\{[[:space:]]*\"name\": \"rmse\""),
                       ::testing::HasSubstr("\"held_out_rmse\": "),
                       ::testing::Not(::testing::HasSubstr("accuracy"))));
  EXPECT_THAT(range_test_csv(test), ::testing::StartsWith("sweep,seed,step,lr,momentum,train_loss,"
                                                          "held_out_loss,held_out_rmse\n"));
  EXPECT_TRUE(run.parameters->all().front().master.equal(before));
}

}  // namespace
}  // namespace onecycle
