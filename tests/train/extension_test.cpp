// Schedules of runs made longer, and what decay amounts to, by hand.

#include "train/step/decay.h"
#include "train/support.h"

#include <cmath>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

// lr = the fraction of the run done, so that every case can be read off.
class Ramp : public Schedule {
 public:
  Hyper at(std::int64_t step, std::int64_t total) const override {
    return {static_cast<double>(step) / static_cast<double>(total), 0.9, 0};
  }
};

double lr(const std::vector<Extension>& extensions, std::int64_t step, std::int64_t total) {
  return extended(std::make_unique<Ramp>(), extensions)->at(step, total).lr;
}

TEST(Extended, StretchHoldAndNewCycle) {
  EXPECT_DOUBLE_EQ(lr({{10, Extend::stretch}}, 10, 20), 0.5);
  EXPECT_DOUBLE_EQ(lr({{10, Extend::stretch}}, 5, 20), 0.25);
  EXPECT_DOUBLE_EQ(lr({{10, Extend::hold}}, 5, 20), 0.5);
  EXPECT_DOUBLE_EQ(lr({{10, Extend::hold}}, 19, 20), 0.9);
  EXPECT_DOUBLE_EQ(lr({{10, Extend::new_cycle}}, 9, 20), 0.9);
  EXPECT_DOUBLE_EQ(lr({{10, Extend::new_cycle}}, 10, 15), 0);
  EXPECT_DOUBLE_EQ(lr({{10, Extend::new_cycle}}, 14, 15), 0.8);
  EXPECT_DOUBLE_EQ(lr({{10, Extend::hold}}, 5, 10), 0.5) << "not made longer after all";
}

TEST(Extended, OneAfterTheOther) {
  const std::vector<Extension> twice = {{10, Extend::new_cycle}, {20, Extend::hold}};
  EXPECT_DOUBLE_EQ(lr(twice, 5, 30), 0.5);
  EXPECT_DOUBLE_EQ(lr(twice, 15, 30), 0.5);
  EXPECT_DOUBLE_EQ(lr(twice, 25, 30), 0.9);
}

TEST(Extended, WithoutExtensionsItIsTheSchedule) { EXPECT_DOUBLE_EQ(lr({}, 5, 20), 0.25); }

class Steady : public Schedule {
 public:
  Hyper at(std::int64_t, std::int64_t) const override { return {0.1, 0.9, 1e-3}; }
};

TEST(Decay, EquivalentsInTheThreeModes) {
  UpdateRule rule;
  rule.lr_max = 0.1;
  rule.decay = DecayMode::l2;
  DecaySummary summary = summarise_decay(Steady(), rule, 100);
  EXPECT_NEAR(summary.l2, 1e-3, 1e-15);
  EXPECT_NEAR(summary.decoupled, 1e-2, 1e-12);
  EXPECT_NEAR(summary.independent, 1e-3, 1e-12);
  EXPECT_NEAR(summary.exponent, 100 * 0.1 * 1e-2, 1e-10);
  rule.form = MomentumForm::ema;
  EXPECT_NEAR(summarise_decay(Steady(), rule, 100).decoupled, 1e-3, 1e-12);
  rule.form = MomentumForm::torch;
  rule.decay = DecayMode::decoupled;
  summary = summarise_decay(Steady(), rule, 100);
  EXPECT_NEAR(summary.l2, 1e-4, 1e-12);
  EXPECT_NEAR(summary.exponent, 0.01, 1e-12);
  rule.decay = DecayMode::independent;
  summary = summarise_decay(Steady(), rule, 100);
  EXPECT_NEAR(summary.decoupled, 1e-2, 1e-12);
  EXPECT_NEAR(summary.exponent, 0.1, 1e-12);
}

// The stated shrink against the weights of a run whose gradients are zero but for the decay.
TEST(Decay, TheStatedShrinkIsWhatHappens) {
  for (const char* mode : {"decoupled", "independent", "l2"}) {
    const std::vector<std::string> recipe = {
        "schedule={name: constant, lr: 0.05}", "train.duration=400it", "train.precision=fp64",
        std::string("optimizer={name: sgd, momentum: 0.5, weight_decay: 0.005, decay_all: true, "
                    "weight_decay_mode: ") +
            mode + "}"};
    auto run = tiny_run(recipe);
    const double expected =
        std::exp(-summarise_decay(*run.schedule, run.rule, run.steps.total_steps).exponent);
    Parameter& weight = run.parameters->all()[0];
    const at::NoGradGuard no_grad;
    const double before = weight.master.norm().item<double>();
    for (std::int64_t step = 0; step < 400; ++step) {
      weight.working.mutable_grad() = at::zeros_like(weight.working);
      run.optimizer->write(run.schedule->at(step, 400));
      run.optimizer->step();
    }
    EXPECT_NEAR(weight.master.norm().item<double>() / before, expected, 0.02 * expected) << mode;
  }
}

}  // namespace
}  // namespace onecycle
