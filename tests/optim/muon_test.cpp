// Muon against an implementation of its own in Python (tests/golden/muon.py), and by hand.

#include "optim/muon.h"

#include "onecycle/error.h"

#include "optim/support.h"
#include "support/golden.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

constexpr std::int64_t kSteps = 12;
const std::vector<std::pair<std::string, std::vector<std::int64_t>>> kShapes = {
    {"filter", {6, 4, 3, 3}},
    {"wide", {5, 8}},
    {"tall", {9, 4}},
    {"vector", {5}},
    {"head", {3, 4}}};

// As tests/golden/muon.py has it.
Hyper hyper_of(const GoldenCase& golden, std::int64_t step) {
  const double wave = static_cast<double>(step * 7 % 11) / 11;
  return {0.02 + 0.2 * wave, 0.9 - 0.2 * wave, golden.number("decay") * (1 + 2 * wave)};
}

TrialSetup setup_of(const GoldenCase& golden, at::ScalarType compute,
                    at::MemoryFormat memory_format) {
  TrialSetup setup;
  setup.rule.nesterov = golden.integer("nesterov") != 0;
  setup.rule.decay = golden.option("mode") == "l2" ? DecayMode::l2 : DecayMode::decoupled;
  setup.compute = compute;
  setup.format = memory_format;
  setup.optimizer = "muon";
  setup.options.set("iterations", Value::scalar(golden.option("iterations")));
  setup.options.set("normalise", Value::scalar(golden.integer("normalise") ? "true" : "false"));
  setup.options.set("sgd_lr_scale", Value::scalar(golden.option("sgd_lr_scale")));
  if (golden.number("sgd_momentum") > 0)
    setup.options.set("sgd_momentum", Value::scalar(golden.option("sgd_momentum")));
  return setup;
}

std::shared_ptr<Weights> weights_of_all() {
  auto weights = std::make_shared<Weights>();
  for (const auto& [name, shape] : kShapes) weights->add(name, formula_tensor(name, shape, 2));
  return weights;
}

// Returns the largest difference.
double compare(const GoldenCase& golden, const TrialSetup& setup) {
  Trial trial(weights_of_all(), setup);
  double largest = 0;
  std::size_t compared = 0;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    for (const auto& [name, shape] : kShapes)
      trial.set_gradient(name, formula_tensor(name + "." + std::to_string(step), shape, 1));
    trial.step(hyper_of(golden, step));
    for (const auto& [name, shape] : kShapes) {
      const auto found = golden.numbers.find(name + "." + std::to_string(step + 1));
      if (found == golden.numbers.end()) continue;
      const at::Tensor expected = at::tensor(found->second, at::kDouble).reshape(shape);
      largest = std::max(largest, largest_difference(trial.master(name), expected));
      ++compared;
    }
  }
  EXPECT_EQ(compared, golden.keys.size());
  return largest;
}

TEST(MuonPyTorch, WeightsOfTwelveSteps) {
  for (const GoldenCase& golden : read_golden("muon.txt"))
    for (const auto memory_format :
         {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
      SCOPED_TRACE(golden.head);
      EXPECT_LT(compare(golden, setup_of(golden, at::kDouble, memory_format)), 1e-10);
      EXPECT_LT(compare(golden, setup_of(golden, at::kFloat, memory_format)), 1e-4);
      EXPECT_LT(compare(golden, setup_of(golden, at::kBFloat16, memory_format)), 0.1);
    }
}

TEST(MuonPyTorch, WeightsOfTwelveStepsOnCuda) {
  if (const std::string why = why_no_cuda_device(); !why.empty()) GTEST_SKIP() << why;
  for (const GoldenCase& golden : read_golden("muon.txt")) {
    SCOPED_TRACE(golden.head);
    TrialSetup setup = setup_of(golden, at::kDouble, at::MemoryFormat::ChannelsLast);
    setup.device = at::Device(at::kCUDA, 0);
    EXPECT_LT(compare(golden, setup), 1e-10);
  }
}

// Singular values about 1, singular vectors kept.
TEST(Orthogonalised, NearlyOrthogonal) {
  for (const auto& shape : {std::vector<std::int64_t>{6, 40}, {40, 6}, {7, 7}}) {
    const at::Tensor matrix = formula_tensor("matrix", shape, 2);
    const at::Tensor result = orthogonalised(matrix, 6, at::kDouble);
    ASSERT_EQ(result.sizes(), matrix.sizes());
    const at::Tensor values = at::linalg_svdvals(result);
    EXPECT_GT(values.min().item<double>(), 0.6);
    EXPECT_LT(values.max().item<double>(), 1.3);
    const auto [u, s, vh] = at::linalg_svd(matrix, /*full_matrices=*/false);
    const at::Tensor inner = u.t().mm(result).mm(vh.t());
    EXPECT_LT((inner - inner.diagonal().diag()).abs().max().item<double>(), 1e-9);
  }
  EXPECT_EQ(orthogonalised(at::zeros({3, 4}), 5, at::kFloat).abs().max().item<double>(), 0);
  EXPECT_EQ(orthogonalised(at::ones({3, 4}), 5, at::kBFloat16).scalar_type(), at::kBFloat16);
}

TEST(Muon, WhatItLeavesToSgd) {
  TrialSetup setup;
  setup.optimizer = "muon";
  setup.options.set("except", Value::scalar("wi*"));
  Trial trial(weights_of_all(), setup);
  const at::Tensor gradient = formula_tensor("gradient", {5, 8}, 1);
  const at::Tensor before = trial.master("wide").clone(), filter = trial.master("filter").clone();
  trial.set_gradient("wide", gradient);
  trial.step({0.1, 0, 0});
  EXPECT_LT(largest_difference(trial.master("wide"), before - 0.1 * gradient), 1e-15);
  EXPECT_TRUE(trial.master("filter").equal(filter)) << "without a gradient it stays";
  setup.options.set("except", Value::scalar("*"));
  EXPECT_THROW(Trial(weights_of_all(), setup), FieldError);
}

}  // namespace
}  // namespace onecycle
