// Averages as a part of the step that is recorded.

#include "train/state/averages.h"

#include "train/step/step.h"
#include "train/support.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

// What a Step queues is what a graph records: nothing of the averages happens outside.
TEST(StepAverages, AreQueuedBehindTheUpdate) {
  auto run = tiny_run();
  const at::Tensor weight = run.parameters->all()[0].master;
  at::Tensor before = weight.clone();
  WeightAverage average(*run.parameters, 0.5);
  int queued = 0;
  Step step(
      run, [](const std::string&) {},
      [&] {
        ++queued;
        EXPECT_FALSE(weight.equal(before)) << "the update comes first";
        average.queue();
      });
  step.weights_changed();
  at::Tensor expected = weight.clone();
  for (std::int64_t t = 0; t < 4; ++t) {
    before = weight.clone();
    average.write(t);
    step.run(t, {0.1, 0.9, 0});
    const double keep = (1.0 + static_cast<double>(t)) / (10.0 + static_cast<double>(t));
    expected = keep * expected + (1 - keep) * weight;
  }
  EXPECT_EQ(queued, 4);
  const std::string name = run.parameters->all()[0].name;
  EXPECT_TRUE(average.tensors().at(name).allclose(expected, 1e-5, 1e-6));
}

// The numbers alone decide, so that the same work can be done again and again.
TEST(StepAverages, QueueWhatWasWritten) {
  auto run = tiny_run();
  LookaheadOptions options;
  options.every = 3;
  options.keep = 0.5;
  options.power = 0;
  Lookahead lookahead(*run.parameters, options, 100);
  const at::NoGradGuard no_grad;
  at::Tensor weight = run.parameters->all()[0].master;
  const at::Tensor start = weight.clone();
  weight.add_(1);
  for (int step = 1; step <= 2; ++step) {
    lookahead.write(step);
    lookahead.queue();
    EXPECT_TRUE(weight.equal(start + 1)) << step;
  }
  lookahead.write(3);
  lookahead.queue();
  EXPECT_TRUE(weight.allclose(start + 0.5, 0, 1e-6));
}

struct Unusual : torch::nn::Module {
  Unusual() {
    register_parameter("weight", at::ones({3, 2}));
    gaps = register_buffer("gaps", at::arange(12, at::kFloat).view({3, 4}).narrow(1, 1, 2));
    turned = register_buffer("turned", at::arange(6, at::kFloat).view({2, 3}).t());
  }
  at::Tensor gaps, turned;
};

TEST(StepAverages, BuffersInAnyLayout) {
  const auto module = std::make_shared<Unusual>();
  Parameters parameters(module, at::kCPU, at::kFloat, at::MemoryFormat::Contiguous);
  const at::Tensor gaps = module->gaps.clone(), turned = module->turned.clone();
  WeightAverage average(parameters, 0.9);
  module->gaps.add_(10);
  module->turned.add_(10);
  average.write(0);  // keeps (1 + 0) / (10 + 0)
  average.queue();
  EXPECT_TRUE(average.tensors().at("gaps").allclose(gaps + 9));
  EXPECT_TRUE(average.tensors().at("turned").allclose(turned + 9));
  EXPECT_TRUE(module->gaps.allclose(gaps + 10));
}

}  // namespace
}  // namespace onecycle
