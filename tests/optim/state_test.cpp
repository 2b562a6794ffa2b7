// What a checkpoint copies out of an optimizer and back in.

#include "optim/support.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

Trial trial_of(const std::string& optimizer, at::ScalarType compute = at::kFloat) {
  auto weights = one_weight(formula_tensor("w", {6, 4, 3, 3}, 2));
  auto layer = std::make_shared<Weights>();
  layer->add("bias", formula_tensor("bias", {5}, 2));
  weights->register_module("fc", layer);
  TrialSetup setup = setup_of({MomentumForm::torch, true, DecayMode::decoupled, 1}, compute);
  setup.optimizer = optimizer;
  setup.format = at::MemoryFormat::ChannelsLast;
  return Trial(weights, setup);
}

void run(Trial& trial, int begin, int end) {
  for (int step = begin; step < end; ++step) {
    for (Parameter& parameter : trial.parameters.all())
      trial.set_gradient(parameter.name, formula_tensor(parameter.name + std::to_string(step),
                                                        parameter.master.sizes(), 1));
    trial.step(kHypers[static_cast<std::size_t>(step) % kHypers.size()]);
  }
}

std::vector<at::Tensor> copies(Trial& trial) {
  std::vector<at::Tensor> result;
  for (const Parameter& parameter : trial.parameters.all())
    result.push_back(parameter.master.clone());
  for (const NamedTensor& item : trial.optimizer->state()) result.push_back(item.tensor.clone());
  return result;
}

void restore(Trial& trial, const std::vector<at::Tensor>& saved, std::int64_t updates) {
  std::size_t i = 0;
  for (Parameter& parameter : trial.parameters.all()) parameter.master.copy_(saved[i++]);
  for (const NamedTensor& item : trial.optimizer->state()) item.tensor.copy_(saved[i++]);
  trial.parameters.refresh_working();
  trial.optimizer->set_updates(updates);
}

TEST(OptimizerState, NamesAndTensors) {
  const std::vector<std::string> sgd = {"velocity.w", "velocity.fc.bias"};
  const std::vector<std::string> adamw = {"exp_avg.w", "exp_avg.fc.bias", "exp_avg_sq.w",
                                          "exp_avg_sq.fc.bias"};
  for (const auto& [optimizer, expected] :
       {std::pair{"sgd", sgd}, std::pair{"adamw", adamw}, std::pair{"muon", sgd}})
    for (const auto compute : {at::kDouble, at::kBFloat16}) {
      Trial trial = trial_of(optimizer, compute);
      std::vector<std::string> names;
      for (const NamedTensor& item : trial.optimizer->state()) {
        const at::Tensor& master =
            trial.parameter(item.name.substr(item.name.find('.') + 1)).master;
        names.push_back(item.name);
        EXPECT_EQ(item.tensor.scalar_type(), master.scalar_type()) << item.name;
        EXPECT_EQ(item.tensor.sizes(), master.sizes()) << item.name;
        EXPECT_EQ(item.tensor.strides(), master.strides()) << item.name;
        EXPECT_TRUE(item.tensor.equal(at::zeros_like(master))) << item.name;
      }
      EXPECT_EQ(names, expected);
      run(trial, 0, 1);
      for (const NamedTensor& item : trial.optimizer->state())
        EXPECT_GT(item.tensor.abs().max().item<double>(), 0) << item.name;
    }
}

TEST(OptimizerState, UpdatesAreCounted) {
  Trial trial = trial_of("adamw");
  EXPECT_EQ(trial.optimizer->updates(), 0);
  run(trial, 0, 3);
  EXPECT_EQ(trial.optimizer->updates(), 3);
  trial.optimizer->set_updates(7);
  run(trial, 3, 4);
  EXPECT_EQ(trial.optimizer->updates(), 8);
}

TEST(OptimizerState, ContinuesToTheSameBits) {
  for (const char* optimizer : {"sgd", "adamw", "muon"})
    for (const auto compute : {at::kFloat, at::kBFloat16, at::kDouble}) {
      Trial trial = trial_of(optimizer, compute);
      run(trial, 0, 5);
      const auto saved = copies(trial);
      run(trial, 5, 11);
      const auto expected = copies(trial);
      restore(trial, saved, 5);
      run(trial, 5, 11);
      Trial other = trial_of(optimizer, compute);
      restore(other, saved, 5);
      run(other, 5, 11);
      const auto again = copies(trial);
      const auto elsewhere = copies(other);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_TRUE(again[i].equal(expected[i])) << optimizer << " " << i;
        EXPECT_TRUE(elsewhere[i].equal(expected[i])) << optimizer << " " << i;
      }
    }
}

}  // namespace
}  // namespace onecycle
