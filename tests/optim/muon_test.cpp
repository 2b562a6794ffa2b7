// Muon against an implementation of its own in Python (tests/golden/muon.py), and by hand.

#include "onecycle/error.h"

#include "optim/newton_schulz.h"
#include "optim/support.h"
#include "support/golden.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>

namespace onecycle {
namespace {

// Matrices [..., m, n], the iterations in `type`.
at::Tensor orthogonalised(const at::Tensor& matrices, std::int64_t iterations,
                          at::ScalarType type) {
  const bool tall = matrices.size(-2) > matrices.size(-1);
  const at::Tensor wide = tall ? matrices.transpose(-2, -1) : matrices;
  const at::Tensor stacked = wide.unsqueeze(0).flatten(0, -3);
  NewtonSchulz memory(stacked.size(0), stacked.size(1), stacked.size(2),
                      stacked.options().dtype(type));
  const at::Tensor result = memory.orthogonalise(stacked, iterations).view(wide.sizes());
  return tall ? result.transpose(-2, -1) : result;
}

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

// Each matrix of a stack for itself, the large ones too, which a CPU takes one by one.
TEST(Orthogonalised, AStackAsItsMatrices) {
  for (const auto& shape : {std::vector<std::int64_t>{3, 6, 40},
                            {2, 2, 40, 6},
                            {1, 16, 27},
                            {3, 256, 1100},
                            {5, 16, 144}})
    for (const std::int64_t iterations : {3, 4}) {
      const at::Tensor matrices = formula_tensor("stack", shape, 2);
      const at::Tensor result = orthogonalised(matrices, iterations, at::kDouble);
      ASSERT_EQ(result.sizes(), matrices.sizes());
      const at::Tensor flat = matrices.flatten(0, -3), flat_result = result.flatten(0, -3);
      for (std::int64_t i = 0; i < flat.size(0); ++i) {
        const auto [u, s, vh] =
            at::linalg_svd(flat[i] / (flat[i].norm() + 1e-7), /*full_matrices=*/false);
        at::Tensor values = s;
        for (std::int64_t k = 0; k < iterations; ++k)
          values = 3.4445 * values - 4.7750 * values.pow(3) + 2.0315 * values.pow(5);
        const at::Tensor expected = u.mm(values.diag()).mm(vh);
        EXPECT_LT((flat_result[i] - expected).abs().max().item<double>(), 1e-9) << shape[0];
      }
    }
}

// Three weights of one shape, one of them tall: what holds for all of them holds for each alone, in
// any set that has gradients.
TEST(Muon, WeightsOfOneShapeDoNotMix) {
  const auto weights = [] {
    auto made = std::make_shared<Weights>();
    for (const auto& [name, shape] : std::vector<std::pair<std::string, std::vector<std::int64_t>>>{
             {"a", {4, 9}}, {"b", {9, 4}}, {"c", {4, 1, 3, 3}}, {"head", {3, 4}}})
      made->add(name, formula_tensor(name, shape, 2));
    return made;
  };
  TrialSetup setup;
  setup.optimizer = "muon";
  setup.rule.nesterov = true;
  setup.options.set("normalise", Value::scalar("true"));
  Trial trial(weights(), setup);
  std::map<std::string, at::Tensor> velocity;
  for (int step = 0; step < 6; ++step) {
    std::map<std::string, at::Tensor> expected;
    for (const char* name : {"a", "b", "c"}) {
      const at::Tensor before = trial.master(name).clone();
      expected[name] = before;
      if (step >= 2 && step <= 4 && name[0] == (step == 4 ? 'b' : 'a')) continue;  // frozen
      const at::Tensor gradient =
          formula_tensor(std::string(name) + std::to_string(step), before.sizes().vec(), 1);
      trial.set_gradient(name, gradient);
      at::Tensor& own = velocity[name];
      own = own.defined() ? own * 0.8 + gradient : gradient.clone();
      const at::Tensor along = (gradient + own * 0.8).flatten(1);
      expected[name] = before * (std::sqrt(static_cast<double>(before.size(0))) / before.norm()) -
                       0.1 * orthogonalised(along, 5, at::kDouble).reshape(before.sizes());
    }
    trial.step({0.1, 0.8, 0});
    for (const auto& [name, value] : expected)
      EXPECT_LT(largest_difference(trial.master(name), value), 1e-10) << name << step;
  }
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
