// AdamW by hand arithmetic, and its options.

#include "optim/support.h"
#include "yaml/yaml.h"

#include <cmath>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

TrialSetup adamw_setup(DecayMode decay, at::ScalarType compute = at::kDouble) {
  TrialSetup setup;
  setup.optimizer = "adamw";
  setup.rule.decay = decay;
  setup.rule.lr_max = 0.4;
  setup.compute = compute;
  return setup;
}

// Two steps on paper, with averages as the sums they stand for.
double after_two_steps(DecayMode mode, double lr_scale, double decay_scale) {
  const Hyper h1{0.1, 0.9, 0.2}, h2{0.3, 0.8, 0.1};
  const double g1 = 0.5, g2 = -2, b = 0.999;
  double w = 1;
  const auto decayed = [&](double g, const Hyper& h) {
    return mode == DecayMode::l2 ? g + h.weight_decay * decay_scale * w : g;
  };
  const auto shrink = [&](const Hyper& h) {
    const double decay = h.weight_decay * decay_scale;
    if (mode == DecayMode::decoupled) return 1 - h.lr * lr_scale * decay;
    return mode == DecayMode::independent ? 1 - h.lr / 0.4 * decay : 1;
  };
  const double d1 = decayed(g1, h1);
  w = w * shrink(h1) - h1.lr * lr_scale * d1 / (std::abs(d1) + 1e-8);
  const double d2 = decayed(g2, h2);
  const double average = (0.8 * 0.1 * d1 + 0.2 * d2) / (1 - 0.8 * 0.8);
  const double square = (b * (1 - b) * d1 * d1 + (1 - b) * d2 * d2) / (1 - b * b);
  return w * shrink(h2) - h2.lr * lr_scale * average / (std::sqrt(square) + 1e-8);
}

TEST(Adamw, EveryDecayModeByHandAndScaled) {
  for (const auto mode : {DecayMode::decoupled, DecayMode::independent, DecayMode::l2})
    for (const double lr_scale : {1.0, 0.25})
      for (const double decay_scale : {1.0, 0.0, 3.0}) {
        TrialSetup setup = adamw_setup(mode);
        setup.groups = {{"w", lr_scale, decay_scale}};
        Trial trial(one_weight(at::ones({1, 1})), setup);
        trial.set_gradient("w", at::full({1, 1}, 0.5));
        trial.step({0.1, 0.9, 0.2});
        trial.set_gradient("w", at::full({1, 1}, -2));
        trial.step({0.3, 0.8, 0.1});
        EXPECT_NEAR(trial.master("w").item<double>(), after_two_steps(mode, lr_scale, decay_scale),
                    1e-12)
            << static_cast<int>(mode) << " " << lr_scale << " " << decay_scale;
      }
}

// A weight whose first update comes late is corrected as if the run had begun there, as a parameter
// of torch.optim.AdamW that had no gradient before.
TEST(Adamw, CorrectionsCountAWeightsOwnUpdates) {
  Trial trial(one_weight(at::ones({1, 1})), adamw_setup(DecayMode::decoupled));
  for (int i = 0; i < 7; ++i) trial.step({0.2, 0.9, 0.2});
  EXPECT_EQ(trial.master("w").item<double>(), 1);
  trial.parameter("w").updates_before = 7;
  trial.set_gradient("w", at::full({1, 1}, 0.5));
  trial.step({0.1, 0.9, 0.2});
  trial.set_gradient("w", at::full({1, 1}, -2));
  trial.step({0.3, 0.8, 0.1});
  EXPECT_NEAR(trial.master("w").item<double>(), after_two_steps(DecayMode::decoupled, 1, 1), 1e-12);
}

TEST(Adamw, NarrowWeightsAreTheirMastersRounded) {
  Trial narrow(one_weight(formula_tensor("w", {40, 700}, 2)),
               adamw_setup(DecayMode::decoupled, at::kBFloat16));
  Trial wide(one_weight(formula_tensor("w", {40, 700}, 2)),
             adamw_setup(DecayMode::decoupled, at::kFloat));
  for (int step = 0; step < 3; ++step) {
    const at::Tensor gradient =
        formula_tensor("g" + std::to_string(step), {40, 700}, 1).to(at::kBFloat16);
    for (Trial* trial : {&narrow, &wide}) {
      trial->set_gradient("w", gradient);
      trial->step(kHypers[0]);
    }
    const Parameter& w = narrow.parameter("w");
    EXPECT_TRUE(w.working.detach().equal(w.master.to(at::kBFloat16))) << step;
    EXPECT_TRUE(w.master.equal(wide.parameter("w").master)) << step;
  }
}

TEST(AdamwOptions, ValuesOutOfRange) {
  const auto registry = builtin_optimizers();
  const OptionGroup& options = *registry.at("adamw").variant.options;
  const auto problems_of = [&](const char* text) {
    Problems problems;
    options.read(parse_yaml(text, "test.yaml"), "optimizer", problems);
    return problems.size();
  };
  for (const char* text : {"lr: 0", "momentum: 1", "beta2: 1", "beta2: -.1", "eps: -1",
                           "weight_decay_mode: L2", "nesterov: true", "beta1: .9"})
    EXPECT_EQ(problems_of(text), 1u) << text;
  EXPECT_EQ(problems_of("lr: 1\nmomentum: .9\nbeta2: .95\neps: 0\nweight_decay: .1"), 0u);
}

TEST(AdamwOptions, ReachThePlan) {
  const OptimizerRegistry registry = builtin_optimizers();
  const auto plan = registry.make(
      chosen(registry, "adamw",
             "lr: 1e-3\nmomentum: .8\nweight_decay: .1\nweight_decay_mode: l2\ndecay_all: true"));
  EXPECT_EQ(plan.constants.lr, 1e-3);
  EXPECT_EQ(plan.constants.momentum, 0.8);
  EXPECT_EQ(plan.constants.weight_decay, 0.1);
  EXPECT_EQ(plan.rule.decay, DecayMode::l2);
  EXPECT_TRUE(plan.decay_all);
}

}  // namespace
}  // namespace onecycle
