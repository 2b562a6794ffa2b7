// The range test of an Experiment, whose module and generators stay what they were.

#include "onecycle/range_test.h"

#include "onecycle/error.h"

#include "library/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include <ATen/Context.h>

namespace onecycle::testing {
namespace {

const RangeTestOptions kShort = {.seeds = 2, .coarse_steps = 60, .steps = 100};

std::vector<at::Tensor> generators() {
  const auto state = [](at::Device device) {
    return at::globalContext().defaultGenerator(device).get_state();
  };
  std::vector<at::Tensor> states = {state(at::kCPU)};
  if (at::hasCUDA()) states.push_back(state({at::kCUDA, 0}));
  return states;
}

TEST(RangeTestOfAnExperiment, FindsARateAndLeavesEverything) {
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), held_out(), kOptions);
  at::manual_seed(11);
  const std::vector<at::Tensor> weights = copied(net);
  const std::vector<at::Tensor> random = generators();
  const RangeTest found = range_test(experiment, Sgd{.nesterov = true}, kShort);
  EXPECT_TRUE(equal(copied(net), weights));
  EXPECT_TRUE(equal(generators(), random));
  ASSERT_TRUE(found.lr_max) << found.refused;
  EXPECT_GT(*found.lr_max, 1e-3);
  EXPECT_LT(*found.lr_max, 10);
  EXPECT_THAT(found.suggestions[0].reason, ::testing::HasSubstr("held-out loss"));

  const SweepCurve& coarse = found.sweeps[0].curve;
  EXPECT_EQ(coarse.measure, Measure::loss);
  ASSERT_GE(found.sweeps.size(), 3U);
  const auto loss_at_first = [&](std::size_t sweep) {
    return found.sweeps[sweep].curve.points.at(0).train_loss;
  };
  EXPECT_NE(loss_at_first(1), loss_at_first(2)) << "another seed is another order";

  for (const SweepPoint& point : found.sweeps[1].curve.points) {
    EXPECT_EQ(point.sample_losses.size(),
              point.held_out_loss ? static_cast<std::size_t>(found.sweeps[1].curve.held_out) : 0);
    if (!point.held_out_loss) continue;
    const double sum = std::accumulate(point.sample_losses.begin(), point.sample_losses.end(), 0.0);
    EXPECT_NEAR(sum / static_cast<double>(point.sample_losses.size()), *point.held_out_loss,
                1e-5 * *point.held_out_loss);
  }

  torch::nn::Sequential untested = network(7);
  const OneCycle cycle{.lr_max = 0.05};
  experiment.fit(Sgd{.nesterov = true}, cycle);
  Experiment(untested, regression(), training(), held_out(), kOptions)
      .fit(Sgd{.nesterov = true}, cycle);
  EXPECT_TRUE(equal(copied(net), copied(untested))) << "training goes as without it";
}

TEST(RangeTestOfAnExperiment, OfClassesGoesByAccuracy) {
  const Points some = points(400, 1);
  const Points others = points(200, 2);
  const auto labels = [](const Points& of) { return of.targets.squeeze(1).gt(0).to(at::kLong); };
  at::manual_seed(7);
  torch::nn::Sequential net(torch::nn::Linear(5, 16), torch::nn::ReLU(), torch::nn::Linear(16, 2));
  Experiment experiment(net, classification(2), tensor_source(some.inputs, labels(some)),
                        tensor_source(others.inputs, labels(others)), kOptions);
  const RangeTest found = range_test(experiment, AdamW{}, Constant{.lr = 1}, kShort);
  EXPECT_EQ(found.sweeps[0].curve.measure, Measure::accuracy);
  EXPECT_THAT(found.suggestions[0].reason, ::testing::HasSubstr("accuracy"));
}

TEST(RangeTestOfAnExperiment, EndsWhenAskedTo) {
  class AtOnce : public Observer {
   public:
    void on_log_point(const LogPoint&, StopSignal& stop) override {
      stop.request(StopReason::interrupted, "enough");
    }
  } at_once;
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), held_out(), kOptions);
  const RangeTest found = range_test(experiment, Sgd{}, kShort, &at_once);
  EXPECT_FALSE(found.lr_max);
  EXPECT_EQ(found.refused, "interrupted");
  EXPECT_EQ(found.sweeps.size(), 1U);
}

TEST(RangeTestOfAnExperiment, NeedsHeldOutSamples) {
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), nullptr, kOptions);
  EXPECT_THROW(range_test(experiment, Sgd{}, kShort), DataError);
}

}  // namespace
}  // namespace onecycle::testing
