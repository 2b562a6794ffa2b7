// Updates from gradients in fp16, against what torch.amp.GradScaler is made of.

#include "kernels/update/loss_scale.h"

#include "optim/support.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

TEST(LossScale, OnlyForHalf) {
  for (const auto compute : {at::kFloat, at::kBFloat16, at::kDouble})
    EXPECT_EQ(Trial(one_weight(at::ones({2, 2})), setup_of({}, compute)).optimizer->loss_scale(),
              nullptr);
}

// The course of the scale over 9,000 steps with bad ones among them, some in a row.
TEST(LossScale, FollowsGradScaler) {
  Trial trial(one_weight(at::ones({2, 2})), setup_of({}, at::kHalf));
  at::Tensor scale = at::full({}, 65536, at::kFloat);
  at::Tensor growth = at::zeros({}, at::kInt);
  std::int64_t skipped = 0;
  for (int step = 0; step < 9000; ++step) {
    const bool bad = step < 3 || (step > 6100 && step % 311 < 2);
    skipped += bad;
    trial.set_gradient("w", at::full({2, 2}, bad ? INFINITY : 0.0));
    trial.step({0, 0, 0});
    at::_amp_update_scale_(scale, growth, at::full({}, bad ? 1.0f : 0.0f), 2, 0.5, 2000);
    const kernels::LossScale state = trial.optimizer->loss_scale()->read();
    ASSERT_EQ(state.scale, scale.item<float>()) << step;
    ASSERT_EQ(state.good_steps, growth.item<int>()) << step;
    ASSERT_EQ(state.inverse, 1 / state.scale);
  }
  EXPECT_EQ(trial.optimizer->loss_scale()->read().skipped, skipped);
}

std::shared_ptr<Weights> weight_and_norm() {
  auto weights = one_weight(formula_tensor("w", {40, 700}, 2));
  auto norm = std::make_shared<Weights>();
  norm->add("weight", formula_tensor("norm", {40}, 2));
  weights->register_module("norm", norm);
  return weights;
}

// One bad element anywhere, in the narrow weight or in the norm in fp32, holds all weights.
void check_steps(const std::string& optimizer, at::Device device) {
  TrialSetup setup = setup_of({}, at::kHalf);
  setup.optimizer = optimizer;
  setup.device = device;
  Trial half(weight_and_norm(), setup);
  setup.compute = at::kFloat;
  Trial wide(weight_and_norm(), setup);
  float scale = 65536;
  for (int step = 0; step < 6; ++step) {
    const std::string suffix = std::to_string(step);
    at::Tensor g = formula_tensor("g" + suffix, {40, 700}, 1e-3).to(at::kHalf);
    at::Tensor n = formula_tensor("n" + suffix, {40}, 1e-3).to(at::kFloat);
    const bool bad = step == 1 || step == 2;
    const Hyper& hyper = kHypers[static_cast<std::size_t>(step) % kHypers.size()];
    at::Tensor scaled =
        g * (scale / 1024);  // within fp16's range; exact, as scales are powers of 2
    at::Tensor scaled_n = n * (scale / 1024);
    if (step == 1) scaled[39][699] = INFINITY;
    if (step == 2) scaled_n[7] = NAN;
    half.set_gradient("w", scaled);
    half.set_gradient("norm.weight", scaled_n);
    const at::Tensor before = half.master("w").clone();
    half.step(hyper);
    if (bad) {
      scale /= 2;
      EXPECT_TRUE(half.master("w").equal(before));
    } else {
      wide.set_gradient("w", g.to(at::kFloat) / 1024);
      wide.set_gradient("norm.weight", n / 1024);
      wide.step(hyper);
    }
    EXPECT_EQ(half.optimizer->loss_scale()->read().scale, scale);
    EXPECT_TRUE(half.master("w").equal(wide.master("w"))) << step;
    EXPECT_TRUE(half.master("norm.weight").equal(wide.master("norm.weight"))) << step;
    EXPECT_TRUE(
        half.parameter("w").working.detach().equal(half.parameter("w").master.to(at::kHalf)));
    EXPECT_FALSE(half.parameter("w").working.grad().defined());
  }
}

TEST(LossScale, SkipsBadStepsAndNoOthers) {
  for (const char* optimizer : {"sgd", "adamw"}) check_steps(optimizer, at::kCPU);
}

TEST(LossScale, SkipsBadStepsOnAGpu) {
  if (const std::string why = why_no_cuda_device(); !why.empty()) GTEST_SKIP() << why;
  for (const char* optimizer : {"sgd", "adamw"}) check_steps(optimizer, at::kCUDA);
}

}  // namespace
}  // namespace onecycle
