// An Experiment over modules, data and functions of the caller's own.

#include "onecycle/error.h"
#include "onecycle/observers.h"

#include "library/support.h"
#include "support/temporary_folder.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <thread>

#include <torch/optim/sgd.h>

namespace onecycle::testing {
namespace {

constexpr OneCycle::Policy kTorch = OneCycle::Policy::torch;

std::vector<std::string> names_in(const Run& run) {
  std::vector<std::string> names;
  for (const Parameter& parameter : run.parameters->all()) names.push_back(parameter.name);
  return names;
}

// The loop that everybody writes.
void train_bare(torch::nn::Sequential& net, Source& source, const Schedule& schedule,
                std::int64_t steps, std::int64_t batch_size) {
  torch::optim::SGD optimizer(
      net->parameters(),
      torch::optim::SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(1e-3));
  const std::int64_t steps_per_epoch = source.size() / batch_size;
  source.set_format({at::kCPU, at::kDouble});
  net->train();
  for (std::int64_t step = 0; step < steps; ++step) {
    const Hyper hyper = schedule.at(step, steps);
    auto& options = static_cast<torch::optim::SGDOptions&>(optimizer.param_groups()[0].options());
    options.lr(hyper.lr);
    options.momentum(hyper.momentum);
    source.seek(step / steps_per_epoch, step % steps_per_epoch * batch_size);
    const Batch batch = source.rows(0, batch_size);
    optimizer.zero_grad();
    const at::Tensor errors = net->forward(batch.inputs) - batch.targets.to(at::kDouble);
    errors.square().mean().backward();
    optimizer.step();
  }
}

TEST(Experiment, TrainsAsABareLoopDoes) {
  const OneCycle cycle{.policy = kTorch, .lr_max = 0.05};
  torch::nn::Sequential ours = network(7);
  ExperimentOptions options = kOptions;
  options.precision = Precision::fp64;
  Experiment experiment(ours, regression(), training(), held_out(), options);
  const RunEnd end = experiment.fit(Sgd{.nesterov = true,
                                        .weight_decay = 1e-3,
                                        .weight_decay_mode = DecayMode::l2,
                                        .decay_all = true},
                                    cycle);
  EXPECT_EQ(end.reason, StopReason::finished);
  EXPECT_EQ(end.steps, 40);

  torch::nn::Sequential bare = network(7);
  bare->to(at::kDouble);
  const auto source = training();
  train_bare(bare, *source, *make_schedule(cycle, {10}), 40, 40);
  const std::vector<at::Tensor> expected = copied(bare);
  const std::vector<at::Tensor> found = copied(ours);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_TRUE(found[i].allclose(expected[i], 1e-10, 1e-12)) << i;
}

TEST(Experiment, LeavesTheModuleItsNames) {
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), nullptr, kOptions);
  EXPECT_EQ(
      names_in(experiment.run(Sgd{}, Constant{.lr = 0.1})),
      (std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias", "3.weight", "3.bias"}));
  const auto layer = std::make_shared<torch::nn::LinearImpl>(5, 1);
  Experiment of_one(layer, regression(), training(), nullptr, kOptions);
  EXPECT_EQ(names_in(of_one.run(Sgd{}, Constant{.lr = 0.1})),
            (std::vector<std::string>{"weight", "bias"}));
}

TEST(Experiment, TakesAFunctionOverAModule) {
  torch::nn::Sequential net = network(7);
  int calls = 0;
  Experiment experiment(model_of(net.ptr(),
                                 [&](const at::Tensor& inputs) mutable {
                                   ++calls;
                                   return net->forward(inputs) * 2;
                                 }),
                        regression(), training(), held_out(), kOptions);
  const RunEnd end = experiment.fit(AdamW{}, Cosine{.lr_max = 0.01});
  EXPECT_GE(calls, 40);
  EXPECT_LT(end.validation->loss, 1.0);
  EXPECT_DOUBLE_EQ(experiment.evaluate(*held_out()).loss, end.validation->loss);
  EXPECT_TRUE(net->is_training());
}

TEST(Experiment, GoesOnWithTheWeightsAndSetsFactorsAnew) {
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), held_out(), kOptions);
  const double first =
      experiment.fit(Muon{.sgd_lr_scale = 0.5}, OneCycle{.lr_max = 0.02}).validation->loss;
  const double second = experiment.fit(Sgd{}, OneCycle{.lr_max = 0.02}).validation->loss;
  EXPECT_LT(second, first);
  const onecycle::Run run = experiment.run(Sgd{}, Constant{.lr = 0.1});
  for (const Parameter& parameter : run.parameters->all()) {
    EXPECT_EQ(parameter.lr_scale, 1);
    EXPECT_EQ(parameter.decay_scale, parameter.master.dim() > 1 ? 1 : 0);
  }
}

TEST(Experiment, ACallbackOrAnotherThreadStopsIt) {
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), held_out(), kOptions);
  experiment.observe(on_evaluated([](const Evaluated& event, StopSignal& stop) {
    if (event.epoch >= 2) stop.request(StopReason::early_stopped, "enough");
  }));
  const RunEnd end = experiment.fit(Sgd{}, OneCycle{.lr_max = 0.05});
  EXPECT_EQ(end.reason, StopReason::early_stopped);
  EXPECT_EQ(end.message, "enough");
  EXPECT_EQ(end.steps, 20);

  ExperimentOptions options = kOptions;
  options.steps = 1'000'000'000;
  Experiment endless(net, regression(), training(), nullptr, options);
  std::thread other([&] { endless.stop().request(StopReason::interrupted, "by another thread"); });
  EXPECT_EQ(endless.fit(Sgd{}, OneCycle{.lr_max = 0.05}).message, "by another thread");
  other.join();
}

TEST(Experiment, TheModuleGetsTheAverage) {
  torch::nn::Sequential net = network(7);
  ExperimentOptions options = kOptions;
  options.ema_decay = 0.9;
  Experiment experiment(net, regression(), training(), held_out(), options);
  const RunEnd end = experiment.fit(Sgd{}, OneCycle{.lr_max = 0.05});
  EXPECT_DOUBLE_EQ(experiment.evaluate(*held_out()).loss, end.validation->loss);
}

TEST(Experiment, ACheckpointGoesOn) {
  const TemporaryFolder folder;
  torch::nn::Sequential whole = network(7);
  Experiment(whole, regression(), training(), held_out(), kOptions)
      .fit(Sgd{}, OneCycle{.lr_max = 0.05});

  const auto store =
      std::make_shared<CheckpointFolder>(folder.path(), 1, std::map<std::string, std::string>{});
  torch::nn::Sequential parts = network(7);
  Experiment cut(parts, regression(), training(), held_out(), kOptions);
  cut.keep_checkpoints_in(store);
  cut.observe(on_evaluated([](const Evaluated&, StopSignal& stop) {
    stop.request(StopReason::interrupted, "for now");
  }));
  EXPECT_EQ(cut.fit(Sgd{}, OneCycle{.lr_max = 0.05}).steps, 10);

  torch::nn::Sequential other = network(8);
  Experiment rest(other, regression(), training(), held_out(), kOptions);
  std::vector<std::string> warnings;
  rest.resume(store->load_latest(warnings).value());
  EXPECT_EQ(rest.fit(Sgd{}, OneCycle{.lr_max = 0.05}).steps, 40);
  EXPECT_TRUE(equal(copied(other), copied(whole)));
}

TEST(Experiment, ObserversWriteAndStop) {
  const TemporaryFolder folder;
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), held_out(), kOptions);
  experiment.observe(csv(folder.path(), regression()->metrics()));
  experiment.observe(early_stop({.patience = 1, .min_delta = 100}));
  const RunEnd end = experiment.fit(Sgd{}, OneCycle{.lr_max = 0.05});
  EXPECT_EQ(end.reason, StopReason::early_stopped);
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/metrics.csv"));
}

TEST(Experiment, ATotalBatchIsMadeOfEqualPasses) {
  torch::nn::Sequential net = network(7);
  Experiment experiment(net, regression(), training(), nullptr,
                        {.batch_size = 20, .total_batch_size = 90});
  const StepPlan steps = experiment.run(Sgd{}, OneCycle{.lr_max = 0.1}).steps;
  EXPECT_EQ(steps.total_batch, 90);
  EXPECT_EQ(steps.micro_batch, 18);
  EXPECT_EQ(steps.micro_batches(), 5);
}

TEST(Experiment, NamesTheFieldThatCannotBe) {
  torch::nn::Sequential net = network(7);
  const auto field_of = [&](const ExperimentOptions& options, const OneCycle& cycle) {
    try {
      Experiment(net, regression(), training(), nullptr, options).run(Sgd{}, cycle);
    } catch (const FieldError& error) {
      return error.field();
    }
    return std::string();
  };
  EXPECT_EQ(field_of({.batch_size = 0}, {.lr_max = 1}), "data.batch_size");
  EXPECT_EQ(field_of({.batch_size = 401}, {.lr_max = 1}), "data.batch_size");
  EXPECT_EQ(field_of({.batch_size = 300, .accumulate = 2}, {.lr_max = 1}), "train.accumulate");
  EXPECT_EQ(field_of({.total_batch_size = 0}, {.lr_max = 1}), "data.total_batch_size");
  EXPECT_EQ(field_of({.total_batch_size = 401}, {.lr_max = 1}), "data.total_batch_size");
  EXPECT_EQ(field_of({.batch_size = 4, .total_batch_size = 13}, {.lr_max = 1}),
            "data.total_batch_size");
  EXPECT_EQ(field_of({.accumulate = 2, .total_batch_size = 64}, {.lr_max = 1}), "train.accumulate");
  EXPECT_EQ(field_of({.epochs = 0}, {.lr_max = 1}), "train.duration");
  EXPECT_EQ(field_of({}, {}), "schedule.lr_max");
  EXPECT_THROW(Experiment(net, nullptr, training(), nullptr), Error);
}

}  // namespace
}  // namespace onecycle::testing
