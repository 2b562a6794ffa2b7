// Parameter groups: which parameters they pick and what they change.

#include "onecycle/error.h"

#include "optim/support.h"
#include "yaml/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

std::shared_ptr<torch::nn::Module> network() {
  auto model = std::make_shared<torch::nn::Module>();
  for (const char* name : {"conv1", "fc"}) {
    auto layer = std::make_shared<Weights>();
    layer->add("weight", at::ones({2, 2}));
    layer->add("bias", at::ones({2}));
    model->register_module(name, layer);
  }
  return model;
}

using Scales = std::vector<std::pair<double, double>>;  // lr_scale, decay_scale

Scales scales_of(const std::vector<ParameterGroup>& groups, bool decay_all = false) {
  TrialSetup setup;
  setup.groups = groups;
  setup.decay_all = decay_all;
  const Trial trial(network(), setup);
  Scales scales;
  for (const Parameter& parameter : trial.parameters.all())
    scales.emplace_back(parameter.lr_scale, parameter.decay_scale);
  return scales;
}

// In the order conv1.weight, conv1.bias, fc.weight, fc.bias.
TEST(ParameterGroups, ScalesOfThoseThatMatch) {
  EXPECT_EQ(scales_of({}), (Scales{{1, 1}, {1, 0}, {1, 1}, {1, 0}}));
  EXPECT_EQ(scales_of({{"*.bias", 2, {}}}), (Scales{{1, 1}, {2, 0}, {1, 1}, {2, 0}}));
  EXPECT_EQ(scales_of({{"*.bias", 2, 1}}), (Scales{{1, 1}, {2, 1}, {1, 1}, {2, 1}}));
  EXPECT_EQ(scales_of({{"*", 1, 0}}, true), (Scales{{1, 0}, {1, 0}, {1, 0}, {1, 0}}));
  EXPECT_EQ(scales_of({{"conv?.*", 0, {}}}), (Scales{{0, 1}, {0, 0}, {1, 1}, {1, 0}}));
  EXPECT_EQ(scales_of({{"fc.*", 2, 0.5}, {"*.bias", 3, 4}, {"[fg]c.bias", 5, {}}}),
            (Scales{{1, 1}, {3, 4}, {2, 0.5}, {30, 4}}));
}

// A network as deep as its layers' names; norms belong to the layer before them.
std::shared_ptr<torch::nn::Module> deep_network() {
  auto network = std::make_shared<torch::nn::Module>();
  const auto add = [&](const std::string& name, at::IntArrayRef shape) {
    auto layer = std::make_shared<Weights>();
    layer->add("weight", at::ones(shape));
    layer->add("bias", at::ones({2}));
    network->register_module(name, layer);
  };
  add("conv1", {2, 1, 1, 1});
  add("bn1", {2});
  add("layer1", {2, 2});
  add("layer2", {2, 2});
  add("norm", {2});
  add("norm2", {2});
  add("layer3", {2, 2});
  add("head", {2, 2});
  return network;
}

TEST(LayerGroups, ChildrenWithTheNormsBehindThem) {
  const Parameters parameters(deep_network(), at::kCPU, at::kFloat, at::MemoryFormat::Contiguous);
  std::vector<std::string> names;
  std::vector<std::vector<std::size_t>> members;
  for (const LayerGroup& group : parameters.layer_groups()) {
    names.push_back(group.name);
    members.push_back(group.parameters);
  }
  EXPECT_THAT(names,
              testing::ElementsAre("conv1+bn1", "layer1", "layer2+norm+norm2", "layer3", "head"));
  EXPECT_THAT(members,
              testing::ElementsAre(testing::ElementsAre(0, 1, 2, 3), testing::ElementsAre(4, 5),
                                   testing::ElementsAre(6, 7, 8, 9, 10, 11),
                                   testing::ElementsAre(12, 13), testing::ElementsAre(14, 15)));
}

// fastai.basics: even_mults(1e-3, 1e-1, 5) = [.001, .00316227766, .01, .0316227766, .1], for a
// learning rate of .1.
TEST(LayerGroups, RatesAreFastaisSlice) {
  Parameters parameters(deep_network(), at::kCPU, at::kFloat, at::MemoryFormat::Contiguous);
  parameters.slice_rates(0.01);
  parameters.apply({{"head.bias", 2, {}}});
  const std::vector<double> even_mults = {0.001, 0.00316227766, 0.01, 0.0316227766, 0.1};
  const auto groups = parameters.layer_groups();
  for (std::size_t group = 0; group < groups.size(); ++group)
    for (const std::size_t index : groups[group].parameters) {
      const Parameter& parameter = parameters.all()[index];
      const double own = parameter.name == "head.bias" ? 2 : 1;
      EXPECT_NEAR(0.1 * parameter.lr_scale, own * even_mults[group], 1e-11) << parameter.name;
    }
  Parameters one(one_weight(at::ones({1})), at::kCPU, at::kFloat, at::MemoryFormat::Contiguous);
  one.slice_rates(0.01);
  EXPECT_EQ(one.all()[0].lr_scale, 1);
}

TEST(ParameterGroups, APatternThatFitsNothingIsRefused) {
  Parameters parameters(network(), at::kCPU, at::kFloat, at::MemoryFormat::Contiguous);
  const auto message = [&](const char* match) -> std::string {
    try {
      parameters.apply({{"*.bias", 2, {}}, {match, 1, {}}});
    } catch (const FieldError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message("foo*"),
            "optimizer.groups[1].match: no parameter's name matches 'foo*'; the model has "
            "conv1.weight, conv1.bias, fc.weight, fc.bias");
  EXPECT_NE(message("bias"), "") << "the whole name has to fit";
  for (const Parameter& parameter : parameters.all()) EXPECT_EQ(parameter.lr_scale, 1);
}

// Decay of one step without gradients: lr .1 of at most .4, decay .5, lr_scale .5.
TEST(ParameterGroups, DecayOfEveryMode) {
  const auto after = [](DecayMode mode, double decay_scale) {
    TrialSetup setup = setup_of({MomentumForm::torch, false, mode, 0.4});
    setup.groups = {{"w", 0.5, decay_scale}};
    Trial trial(one_weight(at::ones({1, 1})), setup);
    trial.set_gradient("w", at::zeros({1, 1}));
    trial.step({0.1, 0, 0.5});
    return trial.master("w").item<double>();
  };
  for (const auto mode : {DecayMode::decoupled, DecayMode::independent, DecayMode::l2})
    EXPECT_EQ(after(mode, 0), 1);
  EXPECT_DOUBLE_EQ(after(DecayMode::decoupled, 2), 1 - 0.1 * 0.5 * 0.5 * 2);
  EXPECT_DOUBLE_EQ(after(DecayMode::independent, 2), 1 - 0.1 / 0.4 * 0.5 * 2);
  EXPECT_DOUBLE_EQ(after(DecayMode::l2, 2), 1 - 0.1 * 0.5 * 0.5 * 2);
}

TEST(ParameterGroups, OfARecipe) {
  for (const char* name : {"sgd", "adamw"}) {
    const OptimizerRegistry registry = builtin_optimizers();
    const auto plan = registry.make(chosen(
        registry, name, "groups: [{match: '*.bias', lr_scale: 2, decay_scale: 0}, {match: fc.*}]"));
    ASSERT_EQ(plan.groups.size(), 2u);
    EXPECT_EQ(plan.groups[0].match, "*.bias");
    EXPECT_EQ(plan.groups[0].lr_scale, 2);
    EXPECT_EQ(plan.groups[0].decay_scale, 0);
    EXPECT_EQ(plan.groups[1].lr_scale, 1);
    EXPECT_FALSE(plan.groups[1].decay_scale);
    for (const char* text : {"groups: [{lr_scale: 2}]", "groups: [{match: a, lr_scale: -1}]",
                             "groups: [{match: a, decay_scale: -1}]", "groups: {match: a}",
                             "groups: [{match: a, lr: 1}]"}) {
      Problems problems;
      registry.at(name).variant.options->read(parse_yaml(text, "test.yaml"), "optimizer", problems);
      ASSERT_EQ(problems.size(), 1u) << text;
      EXPECT_THAT(problems.found()[0].path, testing::StartsWith("optimizer.groups")) << text;
    }
  }
}

}  // namespace
}  // namespace onecycle
