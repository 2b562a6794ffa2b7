// The batch fitted for an Experiment, in this process: by hand-counted memory, and without a trace.

#include "onecycle/batch_fit.h"
#include "onecycle/error.h"
#include "onecycle/models.h"

#include "library/support.h"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <new>
#include <stdexcept>

#include <ATen/Context.h>

namespace onecycle::testing {
namespace {

constexpr std::int64_t kInputs = 256, kHidden = 2048, kSamples = 4096, kValue = 4;  // bytes

torch::nn::Sequential wide_network() {
  at::manual_seed(7);
  return torch::nn::Sequential(torch::nn::Linear(kInputs, kHidden), torch::nn::ReLU(),
                               torch::nn::Linear(kHidden, 1));
}

std::shared_ptr<Source> wide_samples(std::int64_t count) {
  at::manual_seed(1);
  return tensor_source(at::randn({count, kInputs}), at::randn({count, 1}), 3);
}

Experiment wide_experiment(const torch::nn::Sequential& net) {
  return {net, regression(), wide_samples(kSamples), wide_samples(100), kOptions};
}

// Of the backward pass of ReLU: what it returned, and the gradients on both of its sides.
constexpr std::int64_t kFewestBytes = (kInputs + 3 * kHidden) * kValue;
// The same with all that a forward pass makes, as if nothing were let go of.
constexpr std::int64_t kMostBytes = (2 * kInputs + 6 * kHidden) * kValue;
// Gradients of the weights, and copies of weights and velocities by a checkpoint.
constexpr std::int64_t kOfWeights = 3 * (kInputs + 2) * kHidden * kValue;

TEST(FitBatchOfAnExperiment, FindsWhatTheLimitAllowsAndLeavesEverything) {
  torch::nn::Sequential net = wide_network();
  net->eval();
  Experiment experiment = wide_experiment(net);
  net[0]->as<torch::nn::Linear>()->weight.mutable_grad() = at::ones({kHidden, kInputs});
  at::manual_seed(11);
  const at::Tensor random = at::globalContext().defaultGenerator(at::kCPU).get_state();
  const std::vector<at::Tensor> weights = copied(net);
  constexpr std::int64_t kLimit = 32 << 20;
  const BatchFit fit = fit_batch(experiment, Sgd{.nesterov = true}, {.limit_bytes = kLimit});
  EXPECT_TRUE(equal(copied(net), weights));
  EXPECT_TRUE(at::globalContext().defaultGenerator(at::kCPU).get_state().equal(random));
  EXPECT_TRUE(net[0]->as<torch::nn::Linear>()->weight.grad().eq(1).all().item<bool>());
  EXPECT_FALSE(net[2]->as<torch::nn::Linear>()->weight.grad().defined());
  EXPECT_FALSE(net->is_training());
  EXPECT_FALSE(net[1]->is_training());

  EXPECT_EQ(fit.refused, "");
  EXPECT_EQ(fit.limit_bytes, kLimit);
  EXPECT_LE(fit.choice.largest, kLimit / kFewestBytes);
  EXPECT_GE(fit.choice.largest * 21 / 20 + 8, (kLimit - kOfWeights) / kMostBytes);
  EXPECT_LE(fit.choice.chosen, kSamples / kFewestSteps);
  EXPECT_GE(fit.choice.chosen, 1);
  std::map<std::int64_t, BatchProbe> by_batch;
  for (const BatchProbe& probe : fit.probes) by_batch[probe.batch] = probe;
  EXPECT_EQ(by_batch.size(), fit.probes.size()) << "each size once";
  std::int64_t before = 0;
  for (const auto& [batch, probe] : by_batch) {
    EXPECT_EQ(probe.fits, batch <= fit.choice.largest) << batch;
    EXPECT_EQ(probe.fits, probe.why.empty()) << batch;
    EXPECT_EQ(probe.fits, probe.samples_per_second > 0) << batch;
    EXPECT_LT(probe.peak_bytes, kLimit * 11 / 10) << "what is far above is not tried";
    if (probe.peak_bytes == 0) continue;
    EXPECT_GE(probe.peak_bytes, batch * kFewestBytes) << batch;
    EXPECT_GE(probe.peak_bytes + before / 100, before) << batch;
    before = probe.peak_bytes;
  }

  net->train();
  net->zero_grad();
  torch::nn::Sequential unfitted = wide_network();
  const OneCycle cycle{.lr_max = 0.01};
  experiment.fit(Sgd{}, cycle);
  wide_experiment(unfitted).fit(Sgd{}, cycle);
  EXPECT_TRUE(equal(copied(net), copied(unfitted))) << "training goes as without it";
}

TEST(FitBatchOfAnExperiment, TriesNoMoreThanAskedFor) {
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), held_out(), kOptions);
  const BatchFit fit = fit_batch(experiment, AdamW{}, {.most = 20});
  EXPECT_EQ(fit.choice.largest, 20);
  EXPECT_GT(fit.limit_bytes, 0);
  EXPECT_THROW(fit_batch(experiment, AdamW{}, {.most = 0}), Error);
}

TEST(FitBatchOfAnExperiment, RefusesWhatCannotBe) {
  torch::nn::Sequential net = wide_network();
  Experiment experiment = wide_experiment(net);
  const BatchFit fit = fit_batch(experiment, Sgd{}, {.limit_bytes = 1 << 20});
  EXPECT_EQ(fit.refused, "not even a batch of 1 fits in 1 MiB: it would take about 2 MiB");
  EXPECT_EQ(fit.choice.largest, 0);
  EXPECT_EQ(fit.choice.chosen, 0);
}

TEST(FitBatchOfAnExperiment, GoesInGroupsOfANorm) {
  const ModelContext context{
      .channels = 5, .height = 1, .width = 1, .classes = 1, .sample_shape = {5}};
  const Mlp grouped{.hidden = {16}, .norm = Mlp::Norm::batch, .bn_batch = 24};
  Experiment experiment(make_model(grouped, context), regression(), training(), held_out(),
                        kOptions);
  const BatchFit fit = fit_batch(experiment, Sgd{}, {.most = 100});
  for (const BatchProbe& probe : fit.probes) EXPECT_EQ(probe.batch % 24, 0) << probe.batch;
  EXPECT_EQ(fit.choice.largest, 96);
  EXPECT_EQ(fit.choice.chosen, 24) << "400 samples: 50 steps of 8";
  EXPECT_THROW(fit_batch(experiment, Sgd{}, {.most = 20}), FieldError);
  EXPECT_THROW(experiment.fit(Sgd{}, Constant{.lr = 0.1}), FieldError) << "its 40 are not groups";
}

// Calls `act` with the rows of each training batch.
Experiment watched(const torch::nn::Sequential& net, std::function<void(std::int64_t)> act) {
  torch::nn::Sequential called = net;
  return {model_of(net.ptr(),
                   [called, act](const at::Tensor& inputs) mutable {
                     if (called->is_training()) act(inputs.size(0));
                     return called->forward(inputs);
                   }),
          regression(), training(), held_out(), kOptions};
}

TEST(FitBatchOfAnExperiment, EndsWhenAskedTo) {
  torch::nn::Sequential net = network(7);
  StopSignal* stop = nullptr;
  Experiment experiment = watched(net, [&](std::int64_t rows) {
    if (rows == 16) stop->request(StopReason::interrupted, "enough");
  });
  stop = &experiment.stop();
  const std::vector<at::Tensor> weights = copied(net);
  const BatchFit fit = fit_batch(experiment, Sgd{});
  EXPECT_EQ(fit.refused, "interrupted");
  EXPECT_EQ(fit.probes.size(), 1U);
  EXPECT_EQ(fit.choice.largest, 8);
  EXPECT_FALSE(experiment.stop().requested());
  EXPECT_TRUE(equal(copied(net), weights));
}

TEST(FitBatchOfAnExperiment, ThrowsOnWhatIsNoLackOfMemory) {
  torch::nn::Sequential net = network(7);
  Experiment experiment = watched(net, [](std::int64_t rows) {
    if (rows == 16) throw std::runtime_error("sixteen");
  });
  const std::vector<at::Tensor> weights = copied(net);
  EXPECT_THROW(fit_batch(experiment, Sgd{}), std::runtime_error);
  EXPECT_TRUE(equal(copied(net), weights));
}

TEST(FitBatchOfAnExperiment, TakesALackOfMemoryForALimit) {
  torch::nn::Sequential net = network(7);
  Experiment experiment = watched(net, [](std::int64_t rows) {
    if (rows > 40) throw std::bad_alloc();
  });
  const BatchFit fit = fit_batch(experiment, Sgd{});
  EXPECT_EQ(fit.choice.largest, 40);
  for (const BatchProbe& probe : fit.probes)
    EXPECT_EQ(probe.why, probe.batch > 40 ? "out of memory" : "") << probe.batch;
}

// LibTorch's own batch norm says "Expected more than 1 value per channel when training, got input
// size [1, 16]".
TEST(FitBatchOfAnExperiment, NeverTakesASizeThatANormCannotTrainAt) {
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), held_out(), kOptions);
  const BatchFit fit = fit_batch(experiment, Sgd{}, {.most = 1});
  EXPECT_EQ(fit.choice.largest, 0);
  EXPECT_EQ(fit.choice.chosen, 0);
  EXPECT_THAT(fit.refused, ::testing::HasSubstr("batch norm needs at least 2 samples"));
}

TEST(Experiment, ABatchOfOneWithBatchNormNamesTheSetting) {
  torch::nn::Sequential net = network(7);
  ExperimentOptions options = kOptions;
  options.batch_size = 1;
  Experiment experiment(net, regression(), training(), held_out(), options);
  try {
    experiment.fit(Sgd{}, Constant{.lr = 0.1});
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("raise data.batch_size"));
  }
}

}  // namespace
}  // namespace onecycle::testing
