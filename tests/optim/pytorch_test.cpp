// Against the weights that PyTorch's own optimizers gave (tests/golden/optim.py).

#include "optim/support.h"
#include "support/golden.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

constexpr std::int64_t kSteps = 50;

// As tests/golden/optim.py has it.
Hyper hyper_of(const GoldenCase& golden, std::int64_t step) {
  const double momentum = golden.number("momentum");
  const double decay = golden.number("decay");
  const double peak = golden.number("peak");
  if (golden.integer("moving") == 0) return {0.1 * peak, momentum, decay};
  const double wave = static_cast<double>(step * 7 % 11) / 11;
  return {(0.02 + 0.2 * wave) * peak, momentum > 0 ? momentum - 0.2 * wave : 0,
          decay * (1 + 2 * wave)};
}

TrialSetup setup_of(const GoldenCase& golden, at::Device device) {
  TrialSetup setup;
  setup.rule.nesterov = golden.integer("nesterov") != 0;
  setup.rule.decay = golden.option("mode") == "l2" ? DecayMode::l2 : DecayMode::decoupled;
  setup.compute = golden.option("dtype") == "float64" ? at::kDouble : at::kFloat;
  setup.decay_all = golden.integer("decay_all") != 0;
  setup.device = device;
  setup.optimizer = golden.name;
  if (golden.name == "adamw")
    for (const char* key : {"beta2", "eps"})
      setup.options.set(key, Value::scalar(golden.option(key)));
  if (golden.integer("groups") != 0)
    setup.groups = {{"matrix", 0.5, 2}, {"v*", 3, 0.3}, {"*", 0.7, {}}};
  return setup;
}

void compare(const GoldenCase& golden, at::Device device) {
  const std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes = {{"matrix", {3, 4}},
                                                                                 {"vector", {5}}};
  auto weights = std::make_shared<Weights>();
  for (const auto& [name, shape] : shapes) weights->add(name, formula_tensor(name, shape, 2));
  Trial trial(weights, setup_of(golden, device));
  const double tolerance = golden.option("dtype") == "float64" ? 1e-12 : 1e-6;
  std::size_t compared = 0;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    for (const auto& [name, shape] : shapes)
      trial.set_gradient(name, formula_tensor(name + "." + std::to_string(step), shape, 1));
    trial.step(hyper_of(golden, step));
    for (const auto& [name, shape] : shapes) {
      const auto found = golden.numbers.find(name + "." + std::to_string(step + 1));
      if (found == golden.numbers.end()) continue;
      const at::Tensor expected = at::tensor(found->second, at::kDouble).reshape(shape);
      EXPECT_LE(largest_difference(trial.master(name), expected), tolerance)
          << name << " after step " << step + 1;
      ++compared;
    }
  }
  EXPECT_EQ(compared, golden.keys.size());
}

TEST(PyTorch, WeightsOfFiftySteps) {
  const auto cases = read_golden("optim.txt");
  EXPECT_EQ(cases.size(), 76u);
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.head);
    compare(golden, at::kCPU);
  }
}

TEST(PyTorch, WeightsOfFiftyStepsOnCuda) {
  if (const std::string why = why_no_cuda_device(); !why.empty()) GTEST_SKIP() << why;
  for (const GoldenCase& golden : read_golden("optim.txt")) {
    SCOPED_TRACE(golden.head);
    compare(golden, at::Device(at::kCUDA, 0));
  }
}

}  // namespace
}  // namespace onecycle
