// What surrounds the arithmetic of SGD: layouts, narrow weights, exemptions, options.

#include "onecycle/error.h"

#include "optim/support.h"
#include "yaml/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

TEST(Sgd, VectorsAreExemptFromDecayByDefault) {
  for (const bool decay_all : {false, true}) {
    auto weights = one_weight(at::ones({2, 2}));
    weights->add("bias", at::ones({2}));
    auto norm = std::make_shared<Weights>();
    norm->add("weight", at::ones({2}));
    weights->register_module("norm", norm);
    TrialSetup setup;
    setup.decay_all = decay_all;
    Trial trial(weights, setup);
    for (const char* name : {"w", "bias", "norm.weight"})
      trial.set_gradient(name, at::zeros_like(trial.parameter(name).master));
    trial.step({0.1, 0.9, 0.5});
    const double vectors = decay_all ? 0.95 : 1;
    EXPECT_DOUBLE_EQ(trial.master("w")[1][1].item<double>(), 0.95);
    EXPECT_DOUBLE_EQ(trial.master("bias")[1].item<double>(), vectors);
    EXPECT_DOUBLE_EQ(trial.master("norm.weight")[1].item<double>(), vectors);
  }
}

TEST(Sgd, NarrowWeightsAreTheirMastersRounded) {
  const auto make = [](at::ScalarType compute) {
    auto weights = one_weight(formula_tensor("w", {40, 700}, 2));
    auto norm = std::make_shared<Weights>();
    norm->add("weight", formula_tensor("norm", {40}, 2));
    weights->register_module("norm", norm);
    return Trial(weights, setup_of({MomentumForm::torch, true, DecayMode::decoupled, 1}, compute));
  };
  Trial narrow = make(at::kBFloat16);
  Trial wide = make(at::kFloat);
  EXPECT_EQ(narrow.parameter("w").working.scalar_type(), at::kBFloat16);
  EXPECT_EQ(narrow.parameter("norm.weight").working.scalar_type(), at::kFloat);
  for (int step = 0; step < 5; ++step) {
    const std::string suffix = std::to_string(step);
    const at::Tensor gradient = formula_tensor("g" + suffix, {40, 700}, 1).to(at::kBFloat16);
    for (Trial* trial : {&narrow, &wide}) {
      trial->set_gradient("w", gradient);
      trial->set_gradient("norm.weight", formula_tensor("n" + suffix, {40}, 1));
      trial->step(kHypers[static_cast<std::size_t>(step) % kHypers.size()]);
    }
    const Parameter& w = narrow.parameter("w");
    EXPECT_TRUE(w.working.detach().equal(w.master.to(at::kBFloat16))) << step;
    EXPECT_TRUE(w.master.equal(wide.parameter("w").master)) << step;
    EXPECT_TRUE(narrow.master("norm.weight").equal(wide.master("norm.weight"))) << step;
  }
}

TEST(Sgd, MasterScopeComputesWithMastersForAWhile) {
  Trial trial(one_weight(formula_tensor("w", {3, 5}, 2)), setup_of({}, at::kBFloat16));
  const at::Tensor working = trial.module->parameters()[0];
  const at::Tensor before = working.detach().clone();
  {
    const Parameters::MasterScope scope(trial.parameters);
    EXPECT_EQ(working.scalar_type(), at::kFloat);
    EXPECT_TRUE(working.detach().equal(trial.parameter("w").master));
  }
  EXPECT_EQ(working.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(working.detach().equal(before));
  trial.set_gradient("w", at::ones({3, 5}));
  trial.step({0.1, 0, 0});
  EXPECT_TRUE(working.detach().equal(trial.parameter("w").master.to(at::kBFloat16)));
}

TEST(Sgd, ChannelsLastWeights) {
  for (const auto compute : {at::kFloat, at::kBFloat16})
    for (const std::vector<std::int64_t>& shape :
         {std::vector<std::int64_t>{6, 4, 3, 3}, {6, 1, 3, 3}, {6, 4, 1, 1}, {1, 4, 3, 3}}) {
      TrialSetup setup = setup_of({}, compute);
      Trial plain(one_weight(formula_tensor("w", shape, 2)), setup);
      setup.format = at::MemoryFormat::ChannelsLast;
      Trial last(one_weight(formula_tensor("w", shape, 2)), setup);
      EXPECT_TRUE(last.parameter("w").working.is_contiguous(at::MemoryFormat::ChannelsLast));
      for (int step = 0; step < 3; ++step) {
        const at::Tensor gradient = formula_tensor("g" + std::to_string(step), shape, 1);
        for (Trial* trial : {&plain, &last}) {
          trial->set_gradient("w", gradient);
          trial->step(kHypers[0]);
        }
      }
      EXPECT_TRUE(plain.master("w").equal(last.master("w")));
      EXPECT_TRUE(plain.parameter("w").working.equal(last.parameter("w").working));
    }
}

// A dimension of length one may have any stride: autograd takes such gradients as they come.
TEST(Sgd, StridesOfUnitDimensionsDoNotMatter) {
  Trial trial(one_weight(at::ones({2, 1, 3, 3})), {});
  auto& gradient = trial.parameter("w").working.mutable_grad();
  gradient = at::ones({2, 1, 3, 3}, at::kDouble).as_strided({2, 1, 3, 3}, {9, 1, 3, 1});
  ASSERT_NO_THROW(trial.step({0.5, 0, 0}));
  EXPECT_TRUE(trial.master("w").equal(at::full({2, 1, 3, 3}, 0.5, at::kDouble)));
}

TEST(Sgd, AGradientOfAnotherLayoutIsAnError) {
  Trial trial(one_weight(at::ones({2, 3})), {});
  trial.parameter("w").working.mutable_grad() = at::ones({3, 2}, at::kDouble).t();
  try {
    trial.step({0.5, 0, 0});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the gradient of w is laid out unlike its weight");
  }
  EXPECT_TRUE(trial.master("w").equal(at::ones({2, 3}, at::kDouble)));
}

TEST(Sgd, AWeightWithoutAGradientStays) {
  auto weights = one_weight(at::ones({2, 2}));
  weights->add("other", at::ones({2, 2}));
  Trial trial(weights, {});
  for (int step = 0; step < 2; ++step) {
    trial.set_gradient("w", at::ones({2, 2}));
    if (step == 0) trial.set_gradient("other", at::ones({2, 2}));
    trial.step({0.1, 0.9, 0.1});
    EXPECT_FALSE(trial.parameter("w").working.grad().defined());
  }
  EXPECT_DOUBLE_EQ(trial.master("other")[0][0].item<double>(), 0.99 - 0.1);
  EXPECT_LT(trial.master("w").max().item<double>(), 0.75);
}

TEST(Sgd, FrozenWeightsAreNotItsOwn) {
  auto weights = one_weight(at::ones({2, 2}));
  weights->register_parameter("frozen", at::ones({2, 2}), /*requires_grad=*/false);
  Trial trial(weights, {});
  EXPECT_EQ(trial.parameters.all().size(), 1u);
}

TEST(SgdOptions, ValuesOutOfRange) {
  const auto registry = builtin_optimizers();
  const OptionGroup& options = *registry.at("sgd").variant.options;
  for (const char* text : {"lr: 0", "lr: -1", "lr: fast", "momentum: 1", "momentum: -.1",
                           "weight_decay: -1e-4", "nesterov: 2", "momentum_form: polyak",
                           "weight_decay_mode: L2", "decay_all: some", "beta: .9"}) {
    Problems problems;
    options.read(parse_yaml(text, "test.yaml"), "optimizer", problems);
    EXPECT_EQ(problems.size(), 1u) << text;
  }
  Problems problems;
  options.read(parse_yaml("lr: 1\nmomentum: 0\nweight_decay: 0\nnesterov: true", "test.yaml"),
               "optimizer", problems);
  EXPECT_EQ(problems.size(), 0u);
}

}  // namespace
}  // namespace onecycle
