// SGD by hand arithmetic.

#include "optim/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

const std::vector<MomentumForm> kForms = {MomentumForm::torch, MomentumForm::ema,
                                          MomentumForm::caffe};
const std::vector<DecayMode> kModes = {DecayMode::decoupled, DecayMode::independent, DecayMode::l2};
// The velocity as the sum that the recursion stands for: every gradient so far, each times the
// momenta of the steps since. `gradients` carry whatever the form puts before them.
double weighted_sum(const std::vector<double>& gradients, const std::vector<double>& momenta) {
  double sum = 0;
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    double weight = 1;
    for (std::size_t j = k + 1; j < gradients.size(); ++j) weight *= momenta[j];
    sum += weight * gradients[k];
  }
  return sum;
}

// One weight through `gradients`, by the table of update_rule.h.
double by_hand(double w, const std::vector<double>& gradients, const UpdateRule& rule) {
  std::vector<double> shares, momenta;
  double velocity = 0;
  for (std::size_t t = 0; t < gradients.size(); ++t) {
    const auto [lr, m, decay] = kHypers[t % kHypers.size()];
    const double g = gradients[t] + (rule.decay == DecayMode::l2 ? decay * w : 0);
    const double factor =
        rule.form == MomentumForm::ema ? 1 - m : (rule.form == MomentumForm::caffe ? lr : 1);
    shares.push_back(factor * g);
    momenta.push_back(m);
    const double before = velocity;
    velocity = weighted_sum(shares, momenta);
    double step = rule.nesterov ? factor * g + m * velocity : velocity;
    if (rule.form == MomentumForm::caffe) {
      if (rule.nesterov) step = (1 + m) * velocity - m * before;
    } else {
      step *= lr;
    }
    if (rule.decay == DecayMode::decoupled) w -= w * lr * decay;
    if (rule.decay == DecayMode::independent) w -= w * lr / rule.lr_max * decay;
    w -= step;
  }
  return w;
}

void check_by_hand(at::Device device) {
  const std::vector<double> gradients = {0.5, -0.25, 1, 0.75, -1, 0.125};
  for (const auto form : kForms)
    for (const auto mode : kModes)
      for (const bool nesterov : {false, true}) {
        const UpdateRule rule{form, nesterov, mode, 0.4};
        TrialSetup setup = setup_of(rule);
        setup.device = device;
        Trial trial(one_weight(at::tensor({1.0, -3.0}, at::kDouble).view({1, 2})), setup);
        for (std::size_t t = 0; t < gradients.size(); ++t) {
          trial.set_gradient("w", at::tensor({gradients[t], 2 * gradients[t]}, at::kDouble));
          trial.step(kHypers[t % kHypers.size()]);
        }
        std::vector<double> doubled;
        for (const double g : gradients) doubled.push_back(2 * g);
        const at::Tensor w = trial.master("w");
        EXPECT_NEAR(w[0][0].item<double>(), by_hand(1, gradients, rule), 1e-14)
            << "form " << static_cast<int>(form) << " mode " << static_cast<int>(mode)
            << " nesterov " << nesterov;
        EXPECT_NEAR(w[0][1].item<double>(), by_hand(-3, doubled, rule), 1e-14);
      }
}

TEST(SgdArithmetic, EveryFormAndModeByHand) { check_by_hand(at::kCPU); }

TEST(SgdArithmetic, EveryFormAndModeByHandOnCuda) {
  if (const std::string why = why_no_cuda_device(); !why.empty()) GTEST_SKIP() << why;
  check_by_hand(at::Device(at::kCUDA, 0));
}

// Two steps worked out on paper: w = 1; g 1, 2; lr .1, .2; m .5.
TEST(SgdArithmetic, FormsDifferOnceTheRateMoves) {
  const auto after = [](MomentumForm form, bool nesterov) {
    Trial trial(one_weight(at::ones({1, 1})), setup_of({form, nesterov, DecayMode::l2, 1}));
    std::vector<double> weights;
    for (const double step : {1.0, 2.0}) {
      trial.set_gradient("w", at::full({1, 1}, step));
      trial.step({0.1 * step, 0.5, 0});
      weights.push_back(trial.master("w").item<double>());
    }
    return weights;
  };
  const auto are = [](double first, double second) {
    return testing::ElementsAre(testing::DoubleNear(first, 1e-15),
                                testing::DoubleNear(second, 1e-15));
  };
  EXPECT_THAT(after(MomentumForm::torch, false), are(0.9, 0.4));
  EXPECT_THAT(after(MomentumForm::ema, false), are(0.95, 0.7));
  EXPECT_THAT(after(MomentumForm::caffe, false), are(0.9, 0.45));
  EXPECT_THAT(after(MomentumForm::torch, true), are(0.85, 0.2));
  EXPECT_THAT(after(MomentumForm::ema, true), are(0.925, 0.6));
  EXPECT_THAT(after(MomentumForm::caffe, true), are(0.85, 0.225));
}

}  // namespace
}  // namespace onecycle
