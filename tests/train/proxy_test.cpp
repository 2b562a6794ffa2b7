// Batches chosen by a proxy: against a loop in plain ATen, and what the run then sees.

#include "onecycle/error.h"
#include "onecycle/range_test.h"

#include "support/ranks.h"
#include "train/run_plan.h"
#include "train/state/shared_checkpoints.h"
#include "train/support.h"

#include <csignal>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <utility>

namespace onecycle {
namespace {

using ::testing::HasSubstr;
using testing::on_ranks;

using Settings = std::vector<std::string>;

// Ten steps over two epochs, each with 16 of the 80 samples, of which it takes 6.
Settings chosen(const Settings& more = {}) {
  Settings settings = {
      "train.proxy={model: {name: mlp, hidden: [3]}, share: 0.375}", "train.precision=fp64",
      "train.label_smoothing=0.1",
      "optimizer={name: sgd, nesterov: false, lr: 0.3, momentum: 0, weight_decay: 0}",
      "schedule={name: constant}"};
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

at::Tensor& positions_in(Snapshot& snapshot) {
  for (NamedTensor& item : snapshot.tensors)
    if (item.name == "chosen.positions") return item.tensor;
  throw Error("the snapshot has no chosen positions");
}

// [steps, kept], int64
at::Tensor train(const RecipeRun& run) {
  LastSnapshot store;
  Trainer trainer(run);
  trainer.keep_checkpoints_in(store);
  EXPECT_EQ(trainer.fit().reason, StopReason::finished);
  return positions_in(*store.last).to(at::kLong);
}

// Inputs and targets of the whole batches of a run that chooses nothing.
Batch whole_batch(const RecipeRun& run, std::int64_t step) {
  run.train->set_format({at::kCPU, at::kDouble});
  run.train->seek(step / 5, step % 5 * 16);
  return run.train->rows(0, 16);
}

TEST(Proxy, ChoosesTheHighestLossesOfEveryBatchAndLearnsFromThemAlone) {
  const RecipeRun run = tiny_run(chosen());
  EXPECT_EQ(run.steps.read_batch, 16);
  EXPECT_EQ(run.steps.total_batch, 6);
  EXPECT_EQ(run.steps.steps_per_epoch, 5);
  EXPECT_EQ(run.steps.total_steps, 10);
  std::vector<at::Tensor> weights;  // [3,64], [3], [4,3], [4]
  for (const Parameter& parameter : run.proxy->parameters->all())
    weights.push_back(parameter.master.detach().clone().requires_grad_());
  ASSERT_EQ(weights.size(), 4u);
  const at::Tensor positions = train(run);
  ASSERT_EQ(positions.sizes(), (std::vector<std::int64_t>{10, 6}));

  const RecipeRun whole = tiny_run({"train.precision=fp64"});
  for (std::int64_t step = 0; step < 10; ++step) {
    SCOPED_TRACE(step);
    const Batch batch = whole_batch(whole, step);
    const at::Tensor hidden =
        (batch.inputs.reshape({16, 64}).matmul(weights[0].t()) + weights[1]).relu();
    const at::Tensor logits = hidden.matmul(weights[2].t()) + weights[3];
    const at::Tensor log_p = logits - logits.exp().sum(1, /*keepdim=*/true).log();
    const at::Tensor wanted = at::one_hot(batch.targets, 4).to(at::kDouble) * 0.9 + 0.1 / 4;
    const at::Tensor losses = -(wanted * log_p).sum(1);
    // Samples that no hidden unit answers to have equal losses: the first of them are taken.
    const at::Tensor by_loss = at::argsort(losses, /*stable=*/true, /*dim=*/0, /*descending=*/true);
    const at::Tensor highest = std::get<0>(by_loss.narrow(0, 0, 6).sort());
    ASSERT_TRUE(positions[step].equal(highest)) << positions[step] << highest;
    losses.index_select(0, highest).mean().backward();
    const at::NoGradGuard no_grad;
    for (at::Tensor& weight : weights) {
      weight -= 0.3 * weight.grad();
      weight.mutable_grad().reset();
    }
  }
  for (std::size_t i = 0; i < weights.size(); ++i)
    EXPECT_TRUE(at::allclose(run.proxy->parameters->all()[i].master, weights[i].detach(), 1e-10));
}

// Keeps what a run sees.
class Seen : public Source {
 public:
  explicit Seen(std::shared_ptr<Source> source) : source_(std::move(source)) {}
  std::int64_t size() const override { return source_->size(); }
  void set_format(const InputFormat& wanted) override { source_->set_format(wanted); }
  void seek(std::int64_t epoch, std::int64_t first) override { source_->seek(epoch, first); }
  Batch rows(std::int64_t offset, std::int64_t count) override {
    batches.push_back(source_->rows(offset, count));
    return batches.back();
  }
  void choose(const ChosenRows& rows) override { source_->choose(rows); }
  Batch in_order(std::int64_t first, std::int64_t valid, std::int64_t count) override {
    return source_->in_order(first, valid, count);
  }

  std::vector<Batch> batches;

 private:
  std::shared_ptr<Source> source_;
};

TEST(Proxy, TheRunSeesThoseSamplesAsTheProxySawThem) {
  const std::string augment = "data.augment=[{pad_crop: 1}, flip, {cutout: 3}]";
  RecipeRun run = tiny_run(chosen({augment, "data.batch_size=8", "train.accumulate=2"}));
  const auto seen = std::make_shared<Seen>(run.train);
  run.train = seen;
  const at::Tensor positions = train(run);
  const RecipeRun whole = tiny_run({"train.precision=fp64", augment});
  ASSERT_EQ(seen->batches.size(), 20u);
  for (std::int64_t step = 0; step < 10; ++step) {
    const Batch batch = whole_batch(whole, step);
    for (std::int64_t pass = 0; pass < 2; ++pass) {
      const Batch& own = seen->batches[static_cast<std::size_t>(2 * step + pass)];
      const at::Tensor rows = positions[step].narrow(0, 3 * pass, 3);
      EXPECT_TRUE(rows.ge(8 * pass).logical_and(rows.lt(8 * pass + 8)).all().item<bool>());
      EXPECT_TRUE(own.inputs.equal(batch.inputs.index_select(0, rows)));
      EXPECT_TRUE(own.targets.equal(batch.targets.index_select(0, rows)));
    }
  }
}

TEST(Proxy, RanksChooseAsPassesDo) {
  const at::Tensor alone = train(tiny_run(chosen({"data.batch_size=8", "train.accumulate=2"})));
  on_ranks(2, [&](const std::shared_ptr<Group>& group) {
    Environment environment;
    environment.group = group;
    const RecipeRun run = build(tiny_recipe(chosen({"data.batch_size=8"})), environment);
    LastSnapshot own;
    SharedCheckpoints store(*group, &own);
    Trainer trainer(run);
    trainer.keep_checkpoints_in(store);
    EXPECT_EQ(trainer.fit().reason, StopReason::finished);
    if (group->is_leader()) {
      EXPECT_TRUE(positions_in(*own.last).to(at::kLong).equal(alone));
    }
  });
}

// ---- Stopping and going on ---------------------------------------------------------------------

class InterruptAt : public Observer {
 public:
  InterruptAt(StopSignal& stop, std::int64_t step) : stop_(stop), step_(step) {}
  void on_notice(const Notice& notice) override {
    if (notice.kind == Notice::Kind::proxy) ++notices;
    if (step_ == 0 && notice.kind == Notice::Kind::proxy) stop_.interrupt(SIGTERM);
  }
  void on_batch_end(const BatchEnd& event) override {
    if (event.step + 1 == step_) stop_.interrupt(SIGTERM);
  }

  int notices = 0;

 private:
  StopSignal& stop_;
  std::int64_t step_;
};

std::vector<at::Tensor> train_in_sessions(const std::vector<std::int64_t>& stops,
                                          std::vector<int>& proxies) {
  LastSnapshot store;
  for (const std::int64_t stop : stops) {
    const RecipeRun run = tiny_run(chosen({"data.augment=[flip]"}));
    Trainer trainer(run);
    InterruptAt interrupt(trainer.stop(), stop);
    trainer.observe(interrupt);
    trainer.keep_checkpoints_in(store);
    if (store.last) trainer.resume(*store.last, "memory");
    const RunEnd end = trainer.fit();
    EXPECT_EQ(end.reason, stop < 0 ? StopReason::finished : StopReason::interrupted);
    EXPECT_EQ(end.steps, stop < 0 ? 10 : stop);
    proxies.push_back(interrupt.notices);
    if (stop < 0) return state_of(run);
  }
  return {};
}

TEST(Proxy, GoesOnBitIdenticalAndTrainsNoProxyTwice) {
  std::vector<int> whole_proxies, proxies;
  const auto whole = train_in_sessions({-1}, whole_proxies);
  const auto parts = train_in_sessions({0, 3, 7, -1}, proxies);
  EXPECT_TRUE(bitwise_equal(whole, parts));
  EXPECT_GT(proxies[0], 0) << "stopped while the proxy trained";
  EXPECT_EQ(proxies[1], whole_proxies[0]);
  EXPECT_EQ(proxies[2], 0);
  EXPECT_EQ(proxies[3], 0);
}

// What resuming the snapshot, once changed, by these settings throws.
std::string resume_refusal(const std::function<void(Snapshot&)>& change, const Settings& settings) {
  LastSnapshot store;
  const RecipeRun run = tiny_run(chosen());
  Trainer first(run);
  first.keep_checkpoints_in(store);
  first.fit();
  positions_in(*store.last) = positions_in(*store.last).clone();
  change(*store.last);
  const RecipeRun again = tiny_run(settings);
  Trainer trainer(again);
  trainer.resume(*store.last, "memory");
  try {
    trainer.fit();
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "";
}

TEST(Proxy, ACheckpointThatDoesNotFitIsRefused) {
  const auto nothing = [](Snapshot&) {};
  EXPECT_THAT(resume_refusal(nothing, chosen({"train.duration=3ep"})),
              HasSubstr("chose the samples of 10 steps, and the run has 15"));
  EXPECT_THAT(resume_refusal(nothing, chosen({"data.batch_size=12", "train.proxy.share=0.5"})),
              HasSubstr("chose 6 of every 16 samples, not 6 of 12"));
  EXPECT_THAT(resume_refusal([](Snapshot& s) { positions_in(s)[2][3] = 16; }, chosen()),
              HasSubstr("none of batches of these samples"));
  EXPECT_THAT(resume_refusal([](Snapshot& s) { positions_in(s)[0][0] = -1; }, chosen()),
              HasSubstr("none of batches of these samples"));
}

// ---- Refusals ----------------------------------------------------------------------------------

std::string refusal_of(const Settings& settings) {
  try {
    (void)tiny_run(chosen(settings));
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "";
}

TEST(Proxy, WhatCannotBeIsRefused) {
  EXPECT_THAT(refusal_of({"train.proxy.share=0"}), HasSubstr("train.proxy.share"));
  EXPECT_THAT(refusal_of({"train.proxy.share=1.5"}), HasSubstr("train.proxy.share"));
  EXPECT_THAT(refusal_of({"data.batch_size=all"}), HasSubstr("one batch to choose from"));
  EXPECT_THAT(refusal_of({"train.proxy.model={name: mlp, hiden: [2]}"}),
              HasSubstr("train.proxy.model"));
  EXPECT_THAT(refusal_of({"model={name: mlp, hidden: [3, 3]}",
                          "optimizer.groups=[{match: layer3*, lr_scale: 2}]"}),
              HasSubstr("with the model of train.proxy"));
}

TEST(Proxy, WhatTakesWholeBatchesRefusesIt) {
  const RecipeRun run = tiny_run(chosen());
  StopSignal stop;
  Sweep plan;
  plan.low = 0.01;
  plan.high = 0.1;
  plan.steps = 3;
  try {
    (void)sweep(run, plan, stop);
    FAIL() << "a sweep over batches that nobody chose";
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), "train.proxy.model");
    EXPECT_THAT(error.what(), HasSubstr("a range test takes whole batches"));
  }
  EXPECT_NO_THROW(refuse_proxy(tiny_run(), "a range test"));
}

TEST(Proxy, AShareIsRoundedAndNeverNothing) {
  StepPlan plan;
  plan.total_batch = 200;
  plan.micro_batch = 25;
  plan.ranks = 4;  // and two passes
  const auto kept = [&](double share) {
    const StepPlan steps = with_share(plan, share);
    EXPECT_EQ(steps.micro_batches(), 2);
    EXPECT_EQ(steps.read_batch, 200);
    EXPECT_EQ(steps.total_batch, 8 * steps.micro_batch);
    return steps.micro_batch;
  };
  EXPECT_EQ(kept(1), 25);
  EXPECT_EQ(kept(0.5), 13);
  EXPECT_EQ(kept(0.3), 8);
  EXPECT_EQ(kept(0.001), 1);
}

}  // namespace
}  // namespace onecycle
