// The loop: its events, when it ends, and that a seed decides everything.

#include "onecycle/loader.h"

#include "core/text/format.h"
#include "train/support.h"

#include <cmath>
#include <csignal>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Recorder : public Observer {
 public:
  void on_run_begin(const RunBegin& event) override {
    begin = event;
    lines.push_back("begin");
  }
  void on_epoch_begin(const EpochBegin& event) override {
    lines.push_back(format("epoch {} at {}", event.epoch, event.step));
  }
  void on_batch_end(const BatchEnd& event) override {
    hypers.push_back(event.hyper);
    lines.push_back(format("batch {}", event.step));
    if (after_batch) after_batch(event);
  }
  void on_log_point(const LogPoint& event, StopSignal& stop) override {
    logs.push_back(event);
    lines.push_back(format("log {}", event.step));
    if (after_log) after_log(event, stop);
  }
  void on_evaluated(const Evaluated& event, StopSignal&) override {
    evaluations.push_back(event);
    lines.push_back(format("evaluated {}", event.step));
  }
  void on_run_end(const RunEnd& event) override {
    end = event;
    lines.push_back("end");
  }

  std::vector<std::string> lines;
  std::vector<Hyper> hypers;
  std::vector<LogPoint> logs;
  std::vector<Evaluated> evaluations;
  RunBegin begin;
  RunEnd end;
  std::function<void(const BatchEnd&)> after_batch;
  std::function<void(const LogPoint&, StopSignal&)> after_log;
};

RunEnd fit(Run& run, Recorder& recorder) {
  Trainer trainer(run);
  trainer.observe(recorder);
  return trainer.fit();
}

std::vector<at::Tensor> trained(const std::vector<std::string>& overrides) {
  auto run = tiny_run(overrides);
  Trainer(run).fit();
  return state_of(run);
}

TEST(Loop, EventsInOrder) {
  auto run = tiny_run({"train.log_every=3"});
  Recorder seen;
  const RunEnd end = fit(run, seen);
  EXPECT_THAT(
      seen.lines,
      ElementsAre("begin", "epoch 0 at 0", "batch 0", "batch 1", "batch 2", "log 2", "batch 3",
                  "batch 4", "log 4", "evaluated 4", "epoch 1 at 5", "batch 5", "log 5", "batch 6",
                  "batch 7", "batch 8", "log 8", "batch 9", "log 9", "evaluated 9", "end"));
  EXPECT_EQ(seen.begin.total_steps, 10);
  EXPECT_EQ(seen.begin.steps_per_epoch, 5);
  EXPECT_EQ(seen.begin.total_batch, 16);
  EXPECT_TRUE(seen.begin.has_validation && seen.begin.has_test);
  EXPECT_EQ(seen.begin.evaluate_every, 5);
  EXPECT_EQ(seen.begin.test_every, 5);
  EXPECT_EQ(seen.begin.validation_samples, 20);
  EXPECT_EQ(seen.begin.test_samples, 37);
  for (std::int64_t t = 0; t < 10; ++t)
    EXPECT_EQ(seen.hypers[static_cast<std::size_t>(t)], run.schedule->at(t, 10)) << t;
  EXPECT_EQ(end.reason, StopReason::finished);
  EXPECT_EQ(end.message, "");
  EXPECT_EQ(end.steps, 10);
}

TEST(Loop, ScoresCoverTheirWindows) {
  auto run = tiny_run({"train.log_every=3"});
  Recorder seen;
  const RunEnd end = fit(run, seen);
  std::vector<std::int64_t> samples;
  std::vector<double> epochs;
  for (const LogPoint& point : seen.logs) {
    samples.push_back(point.train.samples);
    epochs.push_back(point.epoch);
  }
  EXPECT_THAT(samples, ElementsAre(48, 32, 16, 48, 16));
  EXPECT_THAT(epochs, ElementsAre(0.6, 1.0, 1.2, 1.8, 2.0));
  ASSERT_EQ(seen.evaluations.size(), 2u);
  EXPECT_EQ(seen.evaluations[1].train.samples, 80);
  EXPECT_NEAR(seen.evaluations[0].train.loss,
              (seen.logs[0].train.loss * 48 + seen.logs[1].train.loss * 32) / 80, 1e-12);
  EXPECT_EQ(end.validation->samples, 20);
  EXPECT_EQ(end.test->samples, 37);
  EXPECT_EQ(end.test->loss, evaluate(run, *run.test, true).loss);
  EXPECT_EQ(end.train->loss, seen.evaluations[1].train.loss);
}

TEST(Loop, Durations) {
  const auto evaluations = [](const std::string& duration, const std::string& every) {
    auto run = tiny_run({"train.duration=" + duration, "train.evaluate_every=" + every});
    Recorder seen;
    fit(run, seen);
    std::vector<std::int64_t> steps;
    for (const Evaluated& event : seen.evaluations) steps.push_back(event.step);
    return steps;
  };
  EXPECT_THAT(evaluations("7it", "3it"), ElementsAre(2, 5, 6));
  EXPECT_THAT(evaluations("1.4ep", "1ep"), ElementsAre(4, 6));
  EXPECT_THAT(evaluations("1ep", "0.4ep"), ElementsAre(1, 3, 4));
  EXPECT_THAT(evaluations("1it", "100ep"), ElementsAre(0));
}

TEST(Loop, OneSeedOneResult) {
  const std::vector<std::vector<std::string>> recipes = {
      {"data.augment=[{pad_crop: 1}, flip]"},
      {"model={name: resnet8, width: 4}", "train.threads=2"},
      {"model={name: resnet8, width: 4, shortcut: B}", "train.precision=bf16"},
      {"train.precision=fp64", "data.batch_size=all"}};
  for (std::vector<std::string> recipe : recipes) {
    SCOPED_TRACE(recipe[0]);
    const auto first = trained(recipe);
    at::manual_seed(17);
    EXPECT_TRUE(bitwise_equal(first, trained(recipe)));
    recipe.push_back("seed=4");
    EXPECT_FALSE(bitwise_equal(first, trained(recipe)));
  }
}

TEST(Loop, LookingChangesNothing) {
  const std::vector<std::string> net = {"model={name: resnet8, width: 4}"};
  auto looking = net;
  looking.insert(looking.end(), {"train.log_every=1", "train.evaluate_every=1it"});
  EXPECT_TRUE(bitwise_equal(trained(net), trained(looking)));
}

const std::vector<std::string> kBlowUp = {"schedule={name: exponential, lr_from: 0.1, lr_to: 1e30}",
                                          "train.duration=30it"};

// The first step whose loss is not finite, one step at a time.
std::int64_t first_bad_step() {
  auto run = tiny_run(kBlowUp);
  LoaderOptions options;
  options.batch_size = run.steps.total_batch;
  options.mean = run.data.mean;
  options.std = run.data.std;
  options.seed = run.options.seed;
  Loader loader(run.data.train, options);
  for (std::int64_t step = 0; step < 30; ++step) {
    const Batch batch = loader.train_batch(step / 5, step % 5);
    const at::Tensor loss = at::cross_entropy_loss(run.model->forward(batch.inputs), batch.targets);
    if (!std::isfinite(loss.item<double>())) return step;
    loss.backward();
    run.optimizer->write(run.schedule->at(step, 30));
    run.optimizer->step();
  }
  return -1;
}

TEST(Loop, DivergenceNamesItsFirstStep) {
  const std::int64_t bad = first_bad_step();
  ASSERT_GT(bad, 1);
  ASSERT_LT(bad, 25);
  for (const std::int64_t every : {1, 4, 1000}) {
    auto recipe = kBlowUp;
    recipe.push_back(format("train.log_every={}", every));
    recipe.push_back("train.evaluate_every=30it");
    auto run = tiny_run(recipe);
    Recorder seen;
    const RunEnd end = fit(run, seen);
    EXPECT_EQ(end.reason, StopReason::diverged);
    EXPECT_EQ(seen.end.reason, StopReason::diverged);
    EXPECT_THAT(
        end.message,
        HasSubstr(format("not finite at step {} (epoch {:.2f}), where the learning rate was "
                         "{:.4g};",
                         bad + 1, static_cast<double>(bad + 1) / 5, run.schedule->at(bad, 30).lr)));
    EXPECT_EQ(end.steps, std::min<std::int64_t>(30, (bad / every + 1) * every));
    EXPECT_FALSE(end.test.has_value());
    for (const LogPoint& point : seen.logs) EXPECT_LT(point.step, bad);
  }
}

TEST(Loop, AStopRequestEndsItAfterTheStep) {
  auto run = tiny_run({"train.log_every=2", "train.evaluate_every=4it"});
  Recorder seen;
  seen.after_log = [](const LogPoint& point, StopSignal& stop) {
    if (point.step == 3) stop.request(StopReason::early_stopped, "enough");
    if (point.step == 3) stop.request(StopReason::diverged, "too late");
  };
  const RunEnd end = fit(run, seen);
  EXPECT_EQ(end.reason, StopReason::early_stopped);
  EXPECT_EQ(end.message, "enough");
  EXPECT_EQ(end.steps, 4);
  EXPECT_EQ(seen.lines.back(), "end");
  EXPECT_TRUE(seen.evaluations.empty());
}

TEST(Loop, AnInterruptEndsItAfterTheStep) {
  auto run = tiny_run();
  Recorder seen;
  Trainer trainer(run);
  trainer.observe(seen);
  seen.after_batch = [&](const BatchEnd& event) {
    if (event.step == 6) trainer.stop().interrupt(SIGINT);
  };
  const RunEnd end = trainer.fit();
  EXPECT_EQ(end.reason, StopReason::interrupted);
  EXPECT_EQ(end.steps, 7);
  EXPECT_EQ(end.test->samples, 37);  // of the evaluation after step 4
}

// sum(w l) / sum(w) over the samples of the first step, however they are cut into passes: the loss
// that CrossEntropyLoss(weight=...) defines.
TEST(Loop, TheLossOfWeightedSamplesIsTheirWeightedMean) {
  auto run = tiny_run({"data.batch_size=20", "train.accumulate=4", "train.log_every=1"});
  const std::vector<double> weights = {1, 9, .5, 20};
  run.task = classification(4, ClassificationOptions{0, weights, 0});
  const at::Tensor labels = run.data.train.labels;
  const at::Tensor of_samples = at::tensor(weights, at::kDouble).index_select(0, labels);
  at::Tensor losses;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor images =
        (run.data.train.images.to(at::kDouble) / 255 - run.data.mean[0]) / run.data.std[0];
    const at::Tensor logits = run.model->forward(images.to(at::kFloat)).to(at::kDouble);
    losses = -at::log_softmax(logits, 1).gather(1, labels.unsqueeze(1)).squeeze(1);
  }
  Recorder seen;
  (void)fit(run, seen);
  EXPECT_EQ(seen.logs.front().train.samples, 80);
  EXPECT_NEAR(seen.logs.front().train.loss,
              ((losses * of_samples).sum() / of_samples.sum()).item<double>(), 1e-5);
}

TEST(Loop, LearnsWhatCanBeLearnt) {
  const std::vector<std::pair<std::string, std::string>> ways = {
      {"all", "60ep"}, {"1", "2ep"}, {"16", "8ep"}};
  for (const auto& [batch, duration] : ways) {
    auto run = tiny_run({"data.batch_size=" + batch, "train.duration=" + duration,
                         batch == "1" ? "schedule.lr_max=0.01" : "schedule.lr_max=0.1"});
    Recorder seen;
    const RunEnd end = fit(run, seen);
    EXPECT_GT(end.test->metric(), 0.9) << batch;
    EXPECT_LT(seen.evaluations.back().test->loss, 0.5 * seen.evaluations.front().train.loss)
        << batch;
  }
}

}  // namespace
}  // namespace onecycle
