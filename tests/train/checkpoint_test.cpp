// Runs that stop and go on: the same weights, state and rows as a run that never stopped.

#include "onecycle/checkpoint.h"

#include "onecycle/error.h"

#include "core/files/files.h"
#include "core/text/format.h"
#include "support/temporary_folder.h"
#include "train/state/newest_checkpoint.h"
#include "train/state/run_state.h"
#include "train/support.h"

#include <cmath>
#include <csignal>
#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Everything about a run that must not depend on where it stopped.
struct History {
  std::vector<std::string> rows;
  std::vector<NamedTensor> tensors;
};

class Rows : public Observer {
 public:
  explicit Rows(std::vector<std::string>& rows) : rows_(rows) {}
  void on_log_point(const LogPoint& e, StopSignal&) override {
    rows_.push_back(format("log {} {} {:.17g} {} {}", e.step, e.hyper.lr, e.train.loss,
                           e.train.metric(), e.train.samples));
  }
  void on_evaluated(const Evaluated& e, StopSignal&) override {
    rows_.push_back(format("evaluated {} {:.17g} {} {:.17g} {:.17g} {}", e.step, e.train.loss,
                           e.train.samples, e.validation->loss, e.test ? e.test->loss : -1,
                           e.verdict->text));
  }
  void on_notice(const Notice& notice) override { notices.push_back(notice.message); }

  std::vector<std::string> notices;

 private:
  std::vector<std::string>& rows_;
};

class InMemory : public LastSnapshot {
 public:
  std::string save(const Snapshot& snapshot, std::int64_t step, bool best) override {
    saved.push_back(step);
    if (best) bests.push_back(step);
    return LastSnapshot::save(snapshot, step, best);
  }

  std::vector<std::int64_t> saved, bests;
};

class InterruptAt : public Observer {
 public:
  InterruptAt(std::int64_t step, StopSignal& stop) : step_(step), stop_(stop) {}
  void on_batch_end(const BatchEnd& event) override {
    if (event.step + 1 == step_) stop_.interrupt(SIGTERM);
  }

 private:
  std::int64_t step_;
  StopSignal& stop_;
};

// Trained in sessions that end after each of `stops` steps, and then to the end.
History train_in_sessions(const std::vector<std::string>& overrides,
                          std::vector<std::int64_t> stops) {
  History history;
  InMemory store;
  stops.push_back(-1);
  for (const std::int64_t stop : stops) {
    at::manual_seed(static_cast<std::uint64_t>(stop + 100));
    auto run = tiny_run(overrides);
    Trainer trainer(run);
    Rows rows(history.rows);
    InterruptAt interrupt(stop, trainer.stop());
    trainer.observe(rows);
    trainer.observe(interrupt);
    trainer.keep_checkpoints_in(store);
    if (store.last) trainer.resume(*store.last, "memory");
    const RunEnd end = trainer.fit();
    EXPECT_EQ(end.reason, stop < 0 ? StopReason::finished : StopReason::interrupted);
  }
  history.tensors = store.last->tensors;
  return history;
}

const std::vector<std::vector<std::string>> kRecipes = {
    {"train.log_every=3"},
    {"data.augment=[{pad_crop: 1}, flip, {cutout: 3}, {mixup: 0.4}]", "train.log_every=4",
     "train.ema_decay=0.9", "train.accumulate=2", "train.grad_clip=0.5"},
    {"model={name: resnet8, width: 4}", "train.precision=bf16", "train.log_every=100",
     "train.ema_decay=0.99", "train.evaluate_every=3it", "train.test_every=6it"},
    {"model={name: resnet8, width: 4, shortcut: B}", "optimizer={name: adamw, weight_decay: 0.01}",
     "train.label_smoothing=0.1"},
    {"model={name: resnet8, width: 4}", "optimizer={name: adamw, lr_slice: 0.1}",
     "train.freeze=[{to: layer3, until: 3it}, {to: layer1, until: 7it}]"},
    {"model={name: cifar_fast, widths: [4], whiten_samples: 30}", "optimizer.decay_all=true",
     "train.lookahead={every: 3, keep: 0.7, power: 1}",
     "train.freeze=[{match: whiten.bias, from: 4it}]",
     "data.augment=[{pad_crop: {pixels: 2, mode: reflect}}, {flip: alternating}]",
     "train.precision=bf16"},
    {"model={name: cifar_fast, widths: [4], whiten_samples: 30}",
     "optimizer={name: muon, normalise: true, sgd_momentum: 0.7}", "train.precision=bf16",
     "train.tta=flip+shift"},
    {"train.freeze=[{to: layer1, until: 2it}]", "train.accumulate=2", "train.ema_decay=0.9",
     "train.grad_clip=0.5", "optimizer.weight_decay=0.1"}};

TEST(Resume, BitIdenticalWhereverItStopped) {
  for (const auto& recipe : kRecipes) {
    SCOPED_TRACE(recipe[0]);
    const History whole = train_in_sessions(recipe, {});
    const bool halved = recipe.size() > 4;
    const History parts = train_in_sessions(
        recipe, halved ? std::vector<std::int64_t>{1, 3} : std::vector<std::int64_t>{1, 4, 5, 8});
    EXPECT_EQ(whole.rows, parts.rows);
    ASSERT_EQ(whole.tensors.size(), parts.tensors.size());
    for (std::size_t i = 0; i < whole.tensors.size(); ++i) {
      EXPECT_EQ(whole.tensors[i].name, parts.tensors[i].name);
      EXPECT_TRUE(whole.tensors[i].tensor.equal(parts.tensors[i].tensor)) << whole.tensors[i].name;
    }
  }
}

TEST(Resume, CheckpointsAreSavedWhenTheyAreDue) {
  auto run = tiny_run({"output.checkpoint_every=3it", "train.evaluate_every=4it"});
  InMemory store;
  Trainer trainer(run);
  trainer.keep_checkpoints_in(store);
  trainer.fit();
  for (const std::int64_t step : {3, 4, 6, 9, 10})
    EXPECT_THAT(store.saved, testing::Contains(step));
  EXPECT_THAT(store.bests, testing::Contains(4));
  EXPECT_EQ(steps_of(*store.last), 10);
  EXPECT_EQ(end_in(*store.last).test->samples, 37);
}

TEST(Resume, OfAnotherModelChangesNothing) {
  InMemory store;
  auto wide = tiny_run({"model.hidden=[13]"});
  Trainer wide_trainer(wide);
  wide_trainer.keep_checkpoints_in(store);
  wide_trainer.fit();
  auto run = tiny_run();
  const auto before = state_of(run);
  Trainer trainer(run);
  trainer.resume(*store.last, "other.safetensors");
  EXPECT_THAT([&] { trainer.fit(); }, testing::ThrowsMessage<CheckpointError>(HasSubstr(
                                          "other.safetensors: weights of another model")));
  EXPECT_TRUE(bitwise_equal(before, state_of(run)));
}

TEST(Resume, WeightsThatAreNoNumbersAreNamed) {
  InMemory store;
  auto first = tiny_run();
  Trainer trainer(first);
  trainer.keep_checkpoints_in(store);
  trainer.fit();
  for (NamedTensor& item : store.last->tensors)
    if (item.name == "model.layer1.bias") item.tensor[0].fill_(NAN);
  auto run = tiny_run();
  const auto before = state_of(run);
  Trainer again(run);
  again.resume(*store.last, "nan.safetensors");
  EXPECT_THAT([&] { again.fit(); }, testing::ThrowsMessage<CheckpointError>(
                                        HasSubstr("nan.safetensors: model.layer1.bias holds NaN")));
  EXPECT_TRUE(bitwise_equal(before, state_of(run)));
}

// Variances that are no numbers, as an overflow leaves them: the batches' own are used in training,
// and evaluations come to nothing.
class SpoilStatistics : public Observer {
 public:
  SpoilStatistics(Run& run, std::int64_t from, std::int64_t to) : run_(run), from_(from), to_(to) {}
  void on_batch_end(const BatchEnd& event) override {
    if (event.step == from_) fill(std::numeric_limits<float>::quiet_NaN());
    if (event.step == to_) fill(1);
  }

 private:
  void fill(float value) {
    for (const auto& item : run_.model->named_buffers())
      if (item.key().ends_with("running_var")) item.value().fill_(value);
  }

  Run& run_;
  std::int64_t from_;
  std::int64_t to_;
};

TEST(Resume, AValidationLossThatIsNoNumberIsKeptAndIsNotTheBest) {
  const std::vector<std::string> recipe = {"model={name: resnet8, width: 4}",
                                           "train.evaluate_every=2it",
                                           "output.checkpoint_every=1it", "stop.monitor=loss"};
  const TemporaryFolder folder;
  CheckpointFolder checkpoints(folder / "c", 100, {});
  auto run = tiny_run(recipe);
  History history;
  Rows rows(history.rows);
  SpoilStatistics spoil(run, 2, 6);
  Trainer trainer(run);
  trainer.observe(spoil);
  trainer.observe(rows);
  trainer.keep_checkpoints_in(checkpoints);
  EXPECT_EQ(trainer.fit().steps, 10);
  EXPECT_THAT(history.rows, testing::Contains(HasSubstr("evaluated 5 ")));
  EXPECT_THAT(history.rows[0], testing::Not(HasSubstr("nan"))) << "the training loss stays one";
  for (const std::int64_t step : checkpoints.steps())
    EXPECT_EQ(steps_of(read_checkpoint(checkpoint_path(folder / "c", step))), step);
  const Snapshot during = read_checkpoint(checkpoint_path(folder / "c", 6));
  EXPECT_TRUE(std::isnan(end_in(during).validation->loss));
  EXPECT_THAT(history.rows, testing::Contains(testing::ContainsRegex("evaluated 5 .* -?nan ")));
  const RunState state =
      *run_state_in(read_checkpoint(folder / "c/best.safetensors").metadata, "the best");
  EXPECT_TRUE(std::isfinite(*state.best));
  EXPECT_TRUE(std::isfinite(state.validation->loss));
  EXPECT_EQ(state.best_step, state.steps);
}

TEST(RunState, EveryNumberComesBack) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  RunState state;
  state.sums.loss = kInfinity;
  state.validation = Score{kNan, {0.5}, 10};
  state.test = Score{-kInfinity, {0.1}, 10};
  state.curve = {{1, 0.1, 2.5, kNan}, {2, 0.1, kInfinity, 0.1}};
  const RunState back = run_state_from_json(to_json(state), "text");
  EXPECT_EQ(back.sums.loss, kInfinity);
  EXPECT_TRUE(std::isnan(back.validation->loss));
  EXPECT_EQ(back.test->loss, -kInfinity);
  EXPECT_TRUE(std::isnan(back.curve[0].validation_loss));
  EXPECT_EQ(back.curve[1].train_loss, kInfinity);
  EXPECT_FALSE(back.best.has_value());
}

TEST(RunState, SumsOfTasksComeBack) {
  RunState state;
  state.sums.own[0] = 3;
  state.sums.own[kMostSums - 1] = 0.25;
  state.logged.own[2] = -1.5;
  const RunState back = run_state_from_json(to_json(state), "text");
  EXPECT_EQ(back.sums.own[0], 3);
  EXPECT_EQ(back.sums.own[kMostSums - 1], 0.25);
  EXPECT_EQ(back.logged.own[2], -1.5);
  EXPECT_EQ(back.evaluated.own[0], 0);
}

// As they were written when a task had up to four metrics, whose sums these are.
TEST(RunState, OlderSumsAreRead) {
  std::string text = to_json(RunState{});
  const std::string now = R"("sums":[0.0,0,0,0,-1,0,0,0])";
  const std::size_t at = text.find(now);
  ASSERT_NE(at, std::string::npos) << text;
  text.replace(at, now.size(), R"("sums":[12.5,7,10,2,-1,3,0,0])");
  const RunState back = run_state_from_json(text, "text");
  EXPECT_EQ(back.sums.loss, 12.5);
  EXPECT_EQ(back.sums.samples, 10);
  EXPECT_EQ(back.sums.own[0], 7);
  EXPECT_EQ(back.sums.own[1], 3);
}

// ---- Fallback ----------------------------------------------------------------------------------

class DivergeOnce : public Observer {
 public:
  void on_log_point(const LogPoint& point, StopSignal& stop) override {
    if (point.step == 7 && !done_) stop.request(StopReason::diverged, "it went wrong");
    done_ = done_ || point.step == 7;
    scales.push_back(point.lr_scale);
  }
  std::vector<double> scales;

 private:
  bool done_ = false;
};

TEST(Fallback, GoesBackAndLowersTheRate) {
  auto run = tiny_run({"train.log_every=1", "stop.on_divergence={lr_scale: 0.25, retries: 1}"});
  InMemory store;
  DivergeOnce diverge;
  History history;
  Rows rows(history.rows);
  Trainer trainer(run);
  trainer.keep_checkpoints_in(store);
  trainer.observe(diverge);
  trainer.observe(rows);
  const RunEnd end = trainer.fit();
  EXPECT_EQ(end.reason, StopReason::finished);
  EXPECT_EQ(end.steps, 10);
  EXPECT_EQ(store.saved.front(), 0) << "a run may diverge before its first checkpoint";
  EXPECT_THAT(diverge.scales, ElementsAre(1, 1, 1, 1, 1, 1, 1, 1, .25, .25, .25, .25, .25));
  EXPECT_THAT(rows.notices,
              testing::Contains(HasSubstr("it went wrong. Going back to step 5 with 0.25 times the "
                                          "learning rate (retry 1 of 1)")));
}

class Unreadable : public InMemory {
 public:
  std::optional<Snapshot> load_latest(std::vector<std::string>&) override {
    throw CheckpointError("c: none of its 2 checkpoints is sound");
  }
};

TEST(Fallback, WithoutACheckpointThatCanBeReadTheRunHasDiverged) {
  auto run = tiny_run({"train.log_every=1", "stop.on_divergence={lr_scale: 0.25, retries: 1}"});
  Unreadable store;
  DivergeOnce diverge;
  History history;
  Rows rows(history.rows);
  Trainer trainer(run);
  trainer.keep_checkpoints_in(store);
  trainer.observe(diverge);
  trainer.observe(rows);
  EXPECT_EQ(trainer.fit().reason, StopReason::diverged);
  EXPECT_THAT(rows.notices, testing::Contains(HasSubstr("none of its 2 checkpoints is sound")));
}

TEST(Fallback, RecoversFromATooLargeRate) {
  const std::vector<std::string> recipe = {"schedule={name: constant, lr: 1e12}",
                                           "train.log_every=1", "train.duration=4ep"};
  auto hopeless = tiny_run(recipe);
  EXPECT_EQ(Trainer(hopeless).fit().reason, StopReason::diverged);
  auto with_fallback = recipe;
  with_fallback.push_back("stop.on_divergence={lr_scale: 1e-7, retries: 3}");
  auto run = tiny_run(with_fallback);
  InMemory store;
  Trainer trainer(run);
  trainer.keep_checkpoints_in(store);
  const RunEnd end = trainer.fit();
  EXPECT_EQ(end.reason, StopReason::finished) << end.message;
  for (const NamedTensor& item : store.last->tensors)
    EXPECT_TRUE(item.tensor.isfinite().all().item<bool>()) << item.name;
}

TEST(Fallback, GivesUpAfterItsRetries) {
  auto run = tiny_run({"schedule={name: constant, lr: 1e30}", "train.log_every=1",
                       "stop.on_divergence={lr_scale: 0.9, retries: 2}"});
  InMemory store;
  History history;
  Rows rows(history.rows);
  Trainer trainer(run);
  trainer.keep_checkpoints_in(store);
  trainer.observe(rows);
  EXPECT_EQ(trainer.fit().reason, StopReason::diverged);
  EXPECT_EQ(std::count_if(rows.notices.begin(), rows.notices.end(),
                          [](const auto& text) { return text.find("Going back") != text.npos; }),
            2);
}

}  // namespace
}  // namespace onecycle
