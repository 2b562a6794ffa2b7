// That a step keeps the rules of what a CUDA graph records, watched on the CPU: it waits for no
// value, leaves no more memory from step to step, and is the same work on the same memory whatever
// the learning rate, momentum, loss scale, epoch and position are.

#include "onecycle/tasks.h"

#include "kernels/metrics/metrics.h"
#include "kernels/update/loss_scale.h"
#include "tasks/loss_sums.h"
#include "train/state/averages.h"
#include "train/step/evaluation_graph.h"
#include "train/step/forward.h"
#include "train/step/step.h"
#include "train/step_watch.h"
#include "train/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace onecycle {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::int64_t kWatched = 7;

// Five or two steps an epoch: those watched are of at least two epochs.
std::vector<std::string> long_enough(std::vector<std::string> overrides) {
  overrides.emplace_back("train.duration=40it");
  return overrides;
}

// What a run does around its steps.
struct Around {
  std::function<void(std::int64_t step)> before = [](std::int64_t) {};
  std::function<void()> after_update = [] {};
};

void watch_steps(const Run& run, StepWatch& watch, const Around& around = {}) {
  run.model->train();
  Step step(
      run, [](const std::string& why) { ADD_FAILURE() << why; }, around.after_update,
      std::make_unique<WatchingRecorder>(watch));
  step.weights_changed();
  for (std::int64_t i = 0; i < StepGraph::kWarmUps + kWatched; ++i) {
    at::manual_seed(static_cast<std::uint64_t>(i));
    if (auto* scale = run.optimizer->loss_scale(); scale != nullptr && i == StepGraph::kWarmUps + 3)
      scale->write({256, 1.0f / 256, 0, 0, 0});
    around.before(i);
    step.run(i, run.schedule->at(i, run.steps.total_steps));
  }
  EXPECT_GT(watch.operators(), 15u) << "something was watched";
}

void expect_clean(const StepWatch& watch) {
  EXPECT_THAT(watch.waits(), IsEmpty());
  EXPECT_THAT(watch.growths(), IsEmpty());
  EXPECT_THAT(watch.differences(), IsEmpty());
}

TEST(GraphRules, EveryRecipesStepKeepsThem) {
  const std::string mlp = "model={name: mlp, hidden: [12]}";
  const std::string resnet8 = "model={name: resnet8, width: 4}";
  const std::string adamw = "optimizer={name: adamw}";
  const std::string muon = "optimizer={name: muon}";
  const std::vector<std::vector<std::string>> recipes = {
      {"model={name: mlp, hidden: [12], dropout: 0.3}"},
      {mlp, "optimizer={name: sgd, weight_decay: 0.01, weight_decay_mode: l2}"},
      {mlp, adamw, "schedule.lr_max=0.01"},
      {mlp, muon, "schedule.lr_max=0.01"},
      {mlp, "train.accumulate=2", "data.batch_size=8", "train.grad_clip=0.1"},
      {mlp, "train.label_smoothing=0.1", "data.augment=[{mixup: 0.4}]"},
      {mlp, "data.augment=[{pad_crop: 1}, flip, {cutout: 2}, {colour_jitter: {contrast: .5}}]"},
      {mlp, "data.augment=[{random_resized_crop: [.5, 1]}, {flip: {mode: alternating}}]"},
      {mlp, "data.augment=[{pad_crop: {pixels: 1, mode: reflect}}]"},
      {mlp, "data.resize=12"},
      {mlp, "data.resize=6", "data.size=5", "data.augment=[{pad_crop: 1}, flip, {mixup: 0.4}]"},
      {mlp, "task={name: classification, weights: auto}", "train.label_smoothing=0.1"},
      {mlp, "task={name: classification, weights: auto, focal_gamma: 2}", "train.accumulate=2",
       "data.batch_size=8", "data.augment=[{mixup: 0.4}]"},
      {mlp, "train.precision=bf16"},
      {mlp, "train.precision=fp16", "train.grad_clip=0.1"},
      {resnet8},
      {resnet8, "train.sync_bn=true"},
      {resnet8, muon, "schedule.lr_max=0.01", "train.precision=bf16"},
      {resnet8, adamw, "schedule.lr_max=0.01", "train.precision=fp16"},
      {"model={name: resnet8, width: 4, bn_batch: 8}", "train.accumulate=2", "data.batch_size=16"},
      {"model={name: resnet20, width: 4}", "train.precision=bf16"}};
  for (const auto& recipe : recipes) {
    SCOPED_TRACE(testing::PrintToString(recipe));
    StepWatch watch;
    const auto run = tiny_run(long_enough(recipe));
    watch_steps(run, watch);
    expect_clean(watch);
  }
}

// It chooses by losses that it does not read.
TEST(GraphRules, AProxysStepKeepsThem) {
  for (const char* model : {"mlp", "{name: resnet8, width: 4}"}) {
    SCOPED_TRACE(model);
    StepWatch watch;
    const auto run = tiny_run(
        long_enough({"train.accumulate=2", "data.batch_size=8", "data.augment=[{mixup: 0.4}]",
                     std::string("train.proxy.model=") + model}));
    watch_steps(*run.proxy, watch);
    expect_clean(watch);
  }
}

// Tables and a caller's own tensors, with targets that are no classes.
TEST(GraphRules, OtherTasksStepsKeepThem) {
  const TaskRegistry tasks = builtin_tasks();
  TaskContext labels{4};
  TaskContext values{4};
  values.targets = {{"a", "b", "c", "d"}, {0, 1, 2, 3}, {1, 2, 3, 4}, {}};
  const at::Tensor numbers = at::randn({80, 4}, at::kDouble);
  const std::vector<std::pair<std::shared_ptr<const Task>, at::Tensor>> cases = {
      {tasks.make(Choice{"regression"}, values), numbers},
      {tasks.make(Choice{"multi_label"}, labels), numbers.gt(0).to(at::kByte)},
      {classification(4), numbers.argmax(1)}};
  for (const auto& [task, targets] : cases) {
    SCOPED_TRACE(task->metrics().front().name);
    StepWatch watch;
    auto run = tiny_run(long_enough({"train.accumulate=2", "data.batch_size=8"}));
    run.task = task;
    run.train = tensor_source(at::randn({80, 1, 8, 8}), targets);
    watch_steps(run, watch);
    expect_clean(watch);
  }
}

// What a task does on a GPU in place of reading the loss: the same sums, without waiting.
TEST(GraphRules, LossesAreAddedOnTheDeviceAlike) {
  StepWatch watch;
  Sums near(at::kCPU), far(at::kCPU);
  const double infinite = std::numeric_limits<double>::infinity();
  at::Tensor loss = at::zeros({}, at::kFloat);
  for (const double value : {0.1, 2.5, -infinite, 0.25}) {
    loss.fill_(value);
    add_loss_on_cpu(loss, 7, near);
    watch.step([&] { add_loss_on_device(loss, 7, far); });
    EXPECT_TRUE(near.words().view(at::kLong).equal(far.words().view(at::kLong)));
  }
  expect_clean(watch);
  EXPECT_EQ(far.read().first_bad, 2);
  EXPECT_EQ(far.read().samples, 28);
  EXPECT_EQ(far.read().batches, 4);
}

// With other numbers in every step, some of which change nothing.
TEST(GraphRules, AveragesArePartOfTheStep) {
  for (const char* precision : {"fp32", "bf16"}) {
    SCOPED_TRACE(precision);
    StepWatch watch;
    const auto run = tiny_run(long_enough({std::string("train.precision=") + precision}));
    WeightAverage average(*run.parameters, 0.9);
    Lookahead lookahead(*run.parameters, {.every = 2, .keep = 0.5}, 40);
    watch_steps(run, watch,
                {[&](std::int64_t step) {
                   lookahead.write(step + 1);
                   average.write(step);
                 },
                 [&] {
                   lookahead.queue();
                   average.queue();
                 }});
    expect_clean(watch);
  }
}

// What is watched is run once as it is recorded, as by a stream that only listens.
struct ListeningRecorder : WatchingRecorder {
  using WatchingRecorder::WatchingRecorder;
  void record(const std::function<void()>& work) override {
    work();
    WatchingRecorder::record(work);
  }
};

// While the weights change.
TEST(GraphRules, EvaluationsKeepThem) {
  const std::string mlp = "model={name: mlp, hidden: [12], dropout: 0.3}";
  const std::string resnet8 = "model={name: resnet8, width: 4}";
  const std::vector<std::vector<std::string>> recipes = {{mlp},
                                                         {mlp, "train.tta=flip+shift"},
                                                         {resnet8},
                                                         {resnet8, "train.precision=bf16"},
                                                         {resnet8, "train.tta=flip"}};
  for (const auto& recipe : recipes) {
    SCOPED_TRACE(testing::PrintToString(recipe));
    StepWatch watch;
    const auto run = tiny_run(recipe);
    EvaluationGraph graph(run, {[&] { return std::make_unique<ListeningRecorder>(watch); },
                                [](const std::string& why) { ADD_FAILURE() << why; }});
    for (std::int64_t i = 0; i < EvaluationGraph::kWarmUps + kWatched; ++i) {
      evaluate_by(run, *run.test, false, &graph, nullptr);
      const at::NoGradGuard no_grad;
      for (const Parameter& parameter : run.parameters->all())
        at::Tensor(parameter.master).mul_(1.01);
      run.parameters->refresh_working();
    }
    EXPECT_GT(watch.operators(), 3u) << "something was watched";
    expect_clean(watch);
  }
}

// ---- That the watch sees what it is for --------------------------------------------------------

// A network with something after it.
struct Spoilt : Model {
  using Then = std::function<at::Tensor(const at::Tensor& outputs)>;
  Spoilt(std::shared_ptr<Model> network, Then what)
      : inner(std::move(network)), then(std::move(what)) {}
  at::Tensor forward(const at::Tensor& images) override { return then(inner->forward(images)); }
  std::shared_ptr<Model> inner;
  Then then;
};

void watch_spoilt(Spoilt::Then then, StepWatch& watch) {
  auto run = tiny_run(long_enough({}));
  run.model = std::make_shared<Spoilt>(run.model, std::move(then));
  watch_steps(run, watch);
}

TEST(GraphRules, AValueThatIsReadIsSeen) {
  for (const bool by_mask : {false, true}) {
    StepWatch watch;
    watch_spoilt(
        [&](const at::Tensor& outputs) {
          if (by_mask) return outputs + outputs.detach().index({outputs.isnan()}).sum();
          return outputs.sum().item<float>() < 1e9f ? outputs : outputs * 2;
        },
        watch);
    EXPECT_THAT(watch.waits(), SizeIs(kWatched));
    EXPECT_THAT(watch.waits(), Each(by_mask ? "aten::nonzero" : "aten::_local_scalar_dense"));
    EXPECT_THAT(watch.growths(), IsEmpty());
    EXPECT_THAT(watch.differences(), IsEmpty());
  }
}

TEST(GraphRules, ABranchOnAHostCounterIsSeen) {
  StepWatch watch;
  watch_spoilt(
      [calls = 0](const at::Tensor& outputs) mutable {
        return ++calls % 2 == 0 ? outputs * 2 : outputs;
      },
      watch);
  EXPECT_THAT(watch.differences(), Contains(HasSubstr("aten::mul")));
  EXPECT_THAT(watch.waits(), IsEmpty());
}

TEST(GraphRules, ANumberOfTheHostIsSeen) {
  StepWatch watch;
  watch_spoilt([calls = 0](const at::Tensor& outputs) mutable { return outputs * (1 + ++calls); },
               watch);
  EXPECT_THAT(watch.differences(), SizeIs(kWatched - 1));
  EXPECT_THAT(watch.growths(), IsEmpty());
}

TEST(GraphRules, ATensorKeptOfEveryStepIsSeen) {
  StepWatch watch;
  std::vector<at::Tensor> kept;
  watch_spoilt(
      [&](const at::Tensor& outputs) {
        kept.push_back(outputs.detach().clone());
        return outputs;
      },
      watch);
  EXPECT_THAT(watch.growths(), SizeIs(kWatched - 1));
  EXPECT_THAT(watch.growths(), Each(HasSubstr(" leaves 256 bytes more"))) << "[16, 4] in fp32";
  EXPECT_THAT(watch.differences(), IsEmpty());
}

TEST(GraphRules, ReadingWhatTheStepBeforeMadeIsSeen) {
  StepWatch watch;
  at::Tensor last;
  watch_spoilt(
      [&](const at::Tensor& outputs) {
        at::Tensor sum = last.defined() ? outputs + last : outputs * 1;
        last = outputs.detach().clone();
        return sum;
      },
      watch);
  EXPECT_THAT(watch.differences(), Not(IsEmpty()));
  EXPECT_THAT(watch.differences(), Each(HasSubstr("of an earlier one")));
  EXPECT_THAT(watch.growths(), IsEmpty());
}

}  // namespace
}  // namespace onecycle
