// What is frozen, when, and that it stays as it is to the bit.

#include "onecycle/error.h"

#include "train/state/snapshot.h"
#include "train/support.h"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include <torch/csrc/autograd/function.h>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kSmallResNet = "model={name: resnet8, width: 4}";

// Names of the layer groups all of whose weights are frozen in that phase.
std::vector<std::string> frozen_groups(const Run& run, std::int64_t phase) {
  std::vector<std::string> names;
  for (const LayerGroup& group : run.parameters->layer_groups())
    if (std::all_of(group.parameters.begin(), group.parameters.end(),
                    [&](std::size_t index) { return run.freezing.frozen(index, phase); }))
      names.push_back(group.name);
  return names;
}

std::int64_t count_frozen(const Run& run, std::int64_t phase) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < run.parameters->all().size(); ++i)
    count += run.freezing.frozen(i, phase);
  return count;
}

// Five steps an epoch, ten in all.
TEST(Freezing, PhasesOfTheRules) {
  const auto gradual = tiny_run({kSmallResNet,
                                 "train.freeze=[{to: layer3, until: 3it}, {to: bn1, until: 1ep}, "
                                 "{match: layer1.0.conv2.*}]"});
  const Freezing& freezing = gradual.freezing;
  ASSERT_EQ(freezing.phases(), 3);
  EXPECT_EQ(freezing.first_step(1), 3);
  EXPECT_EQ(freezing.first_step(2), 5);
  const std::vector<std::int64_t> expected = {0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2};
  for (std::size_t step = 0; step < expected.size(); ++step)
    EXPECT_EQ(freezing.phase_of(static_cast<std::int64_t>(step)), expected[step]) << step;
  EXPECT_THAT(frozen_groups(gradual, 0), ElementsAre("conv1+bn1", "layer1", "layer2", "layer3"));
  EXPECT_THAT(frozen_groups(gradual, 1), ElementsAre("conv1+bn1"));
  EXPECT_THAT(frozen_groups(gradual, 2), ElementsAre());
  EXPECT_EQ(count_frozen(gradual, 2), 1);

  const auto head = tiny_run({kSmallResNet, "train.freeze=[{except: linear.*}]"});
  EXPECT_EQ(head.freezing.phases(), 1);
  EXPECT_EQ(frozen_groups(head, 0).size(), 4u);
  EXPECT_EQ(tiny_run({kSmallResNet}).freezing.phases(), 1);
  const auto beyond = tiny_run({kSmallResNet, "train.freeze=[{to: conv1, until: 10it}]"});
  EXPECT_EQ(beyond.freezing.phases(), 1) << "a phase that no step reaches";
}

// Ten steps: held after three, held between, and both together.
TEST(Freezing, HeldFromAStepOn) {
  const auto run = tiny_run({kSmallResNet,
                             "train.freeze=[{match: conv1.*, from: 3it}, {match: bn1.*, from: 2it, "
                             "until: 1ep}, {match: bn1.bias, until: 2it}]"});
  const Freezing& freezing = run.freezing;
  ASSERT_EQ(freezing.phases(), 4);  // from 0, 2, 3, 5
  const auto held = [&](const std::string& name) {
    std::vector<bool> result;
    for (std::size_t i = 0; i < run.parameters->all().size(); ++i)
      if (run.parameters->all()[i].name == name)
        for (std::int64_t phase = 0; phase < 4; ++phase)
          result.push_back(freezing.frozen(i, phase));
    return result;
  };
  EXPECT_THAT(held("conv1.weight"), ElementsAre(false, false, true, true));
  EXPECT_THAT(held("bn1.weight"), ElementsAre(false, true, true, false));
  EXPECT_THAT(held("bn1.bias"), ElementsAre(true, true, true, false));
  EXPECT_THAT(held("linear.bias"), ElementsAre(false, false, false, false));
  for (std::size_t i = 0; i < run.parameters->all().size(); ++i)
    EXPECT_EQ(freezing.trains_from(i), run.parameters->all()[i].name == "bn1.bias" ? 5 : 0);
}

class Tracked : public Observer {
 public:
  Tracked(const Run& run, const std::string& name) {
    for (const Parameter& parameter : run.parameters->all())
      if (parameter.name == name) weight_ = parameter.master;
    before_ = weight_.clone();
  }
  void on_batch_end(const BatchEnd& event) override {
    if (!weight_.equal(before_)) moved.push_back(event.step);
    before_ = weight_.clone();
  }
  std::vector<std::int64_t> moved;  // the steps that changed the weight

 private:
  at::Tensor weight_, before_;
};

TEST(Freezing, MovesUntilItIsHeld) {
  auto run = tiny_run({kSmallResNet, "train.freeze=[{match: conv1.*, from: 4it, until: 8it}]",
                       "optimizer.weight_decay=0.1"});
  Trainer trainer(run);
  Tracked conv(run, "conv1.weight"), head(run, "linear.weight");
  trainer.observe(conv);
  trainer.observe(head);
  trainer.fit();
  EXPECT_THAT(conv.moved, ElementsAre(0, 1, 2, 3, 8, 9));
  EXPECT_EQ(head.moved.size(), 10u);
}

TEST(Freezing, RulesThatCannotBe) {
  const auto message = [](const std::string& rules) -> std::string {
    try {
      tiny_run({kSmallResNet, "train.freeze=" + rules});
    } catch (const RecipeError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("[{to: layer3}, {to: layer4}]"),
              HasSubstr("train.freeze[1].to: no layer group 'layer4'; the model has conv1+bn1, "
                        "layer1, layer2, layer3, linear"));
  EXPECT_THAT(message("[{match: head*}]"),
              HasSubstr("train.freeze[0]: picks no parameter; the model has conv1.weight"));
  EXPECT_THAT(message("[{to: linear}]"), HasSubstr("at the start, so that nothing trains"));
  EXPECT_THAT(message("[{to: linear, from: 1ep}]"),
              HasSubstr("from step 5 on, so that nothing trains"));
  EXPECT_THAT(message("[{to: conv1, from: 1ep, until: 5it}]"),
              HasSubstr("train.freeze[0].until: ends at step 5, not after step 5"));
  EXPECT_THAT(message("[{match: '*'}]"), HasSubstr("train.freeze[0].match"));
  EXPECT_THAT(message("[{until: 1ep}]"), HasSubstr("train.freeze[0].match"));
}

// Everything of the run that belongs to what phase 0 freezes: masters, working weights, optimizer
// state and, by `statistics`, norm buffers.
std::vector<at::Tensor> frozen_state(const Run& run, bool statistics) {
  std::vector<at::Tensor> state;
  std::set<std::string> frozen;
  for (std::size_t i = 0; i < run.parameters->all().size(); ++i) {
    if (!run.freezing.frozen(i, 0)) continue;
    const Parameter& parameter = run.parameters->all()[i];
    frozen.insert(parameter.name);
    state.push_back(parameter.master.clone());
    state.push_back(parameter.working.detach().clone());
  }
  for (const NamedTensor& item : run.optimizer->state())
    if (frozen.contains(item.name.substr(item.name.find('.') + 1)))
      state.push_back(item.tensor.clone());
  for (const auto& item : run.model->named_buffers())
    if (statistics && frozen.contains(item.key().substr(0, item.key().rfind('.')) + ".weight"))
      state.push_back(item.value().clone());
  return state;
}

// Compares what is frozen with its beginning after every step and evaluation.
class Watch : public Observer {
 public:
  Watch(const Run& run, bool statistics)
      : run_(run), statistics_(statistics), begin_(frozen_state(run, statistics)) {}
  void on_batch_end(const BatchEnd& event) override { note(event.step); }
  void on_evaluated(const Evaluated& event, StopSignal&) override { note(event.step); }

  std::set<std::int64_t> moved;  // steps

 private:
  void note(std::int64_t step) {
    if (!bitwise_equal(begin_, frozen_state(run_, statistics_))) moved.insert(step);
  }
  const Run& run_;
  bool statistics_;
  std::vector<at::Tensor> begin_;
};

const std::vector<std::vector<std::string>> kFrozenRuns = {
    {kSmallResNet, "train.precision=bf16", "train.accumulate=2", "data.batch_size=8",
     "train.ema_decay=0.9", "optimizer.weight_decay=0.1"},
    {"model={name: resnet8, width: 4, bn_batch: 8}", "train.grad_clip=0.1",
     "optimizer={name: adamw, weight_decay: 0.1}"},
    {"model={name: resnet8, width: 4, shortcut: B}", "optimizer.weight_decay=0.1",
     "optimizer.weight_decay_mode=l2", "optimizer.decay_all=true",
     "data.augment=[flip, {mixup: 0.4}]"}};

TEST(Freezing, IsBitwiseUntilItsEnd) {
  for (auto recipe : kFrozenRuns) {
    SCOPED_TRACE(recipe[1]);
    recipe.insert(recipe.end(), {"train.freeze=[{to: layer2, until: 4it}]",
                                 "train.evaluate_every=1it", "train.log_every=2"});
    auto run = tiny_run(recipe);
    const auto head = [&] { return run.parameters->all().back().master.clone(); };
    const at::Tensor before = head();
    Watch watch(run, /*statistics=*/true);
    Trainer trainer(run);
    trainer.observe(watch);
    EXPECT_EQ(trainer.fit().reason, StopReason::finished);
    EXPECT_THAT(watch.moved, ElementsAre(4, 5, 6, 7, 8, 9));
    EXPECT_FALSE(head().equal(before));
    for (const Parameter& parameter : run.parameters->all())
      EXPECT_TRUE(parameter.working.requires_grad()) << parameter.name;
  }
}

TEST(Freezing, StatisticsMayGoOn) {
  auto run =
      tiny_run({kSmallResNet, "train.freeze=[{to: layer2}]", "train.freeze_statistics=false"});
  Watch weights(run, /*statistics=*/false);
  Watch statistics(run, /*statistics=*/true);
  Trainer trainer(run);
  trainer.observe(weights);
  trainer.observe(statistics);
  trainer.fit();
  EXPECT_TRUE(weights.moved.empty());
  EXPECT_EQ(statistics.moved.size(), 10u);
}

// A rate of 0 leaves a weight where it is too, and its gradient is computed then.
TEST(Freezing, TheRestTrainsAsAboveWeightsThatDoNotMove) {
  for (const std::string optimizer :
       {"{name: sgd, nesterov: true, weight_decay: 0.1", "{name: adamw, weight_decay: 0.1"}) {
    const std::string held = ", groups: [{match: 'layer1.*', lr_scale: 0, decay_scale: 0}]}";
    auto still = tiny_run({"optimizer=" + optimizer + held});
    auto frozen = tiny_run({"optimizer=" + optimizer + "}", "train.freeze=[{to: layer1}]"});
    Trainer(still).fit();
    Trainer(frozen).fit();
    EXPECT_TRUE(bitwise_equal(state_of(still), state_of(frozen)));
  }
}

// The nodes of the graph that a backward pass of the model walks.
std::size_t backward_nodes(Run& run) {
  const at::Tensor logits = run.model->forward(at::zeros({2, 1, 8, 8}));
  std::set<torch::autograd::Node*> seen;
  std::vector<torch::autograd::Node*> left = {logits.grad_fn().get()};
  while (!left.empty()) {
    torch::autograd::Node* node = left.back();
    left.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    for (const auto& edge : node->next_edges()) left.push_back(edge.function.get());
  }
  return seen.size();
}

TEST(Freezing, NothingIsComputedBelow) {
  auto run = tiny_run({kSmallResNet, "train.freeze=[{to: layer3, until: 1ep}]"});
  const std::size_t whole = backward_nodes(run);
  run.freezing.apply(0, *run.parameters);
  EXPECT_LE(backward_nodes(run), 4u) << "the dense layer, its transposed weight and its two leaves";
  run.freezing.apply(1, *run.parameters);
  EXPECT_EQ(backward_nodes(run), whole);
}

class DivergeAt : public Observer {
 public:
  void on_log_point(const LogPoint& point, StopSignal& stop) override {
    if (point.step != 7 || done_) return;
    done_ = true;
    stop.request(StopReason::diverged, "it went wrong");
  }

 private:
  bool done_ = false;
};

// Whether what phase 0 freezes is as at the beginning after step 6, each time it is taken.
class At6 : public Observer {
 public:
  At6(const Run& run, const std::vector<at::Tensor>& begin) : run_(run), begin_(begin) {}
  void on_batch_end(const BatchEnd& event) override {
    if (event.step == 6) same.push_back(bitwise_equal(begin_, frozen_state(run_, true)));
  }
  std::vector<bool> same;

 private:
  const Run& run_;
  const std::vector<at::Tensor>& begin_;
};

TEST(Freezing, AFallbackGoesBackToItsPhase) {
  auto run = tiny_run({kSmallResNet, "train.freeze=[{to: layer2, until: 7it}]", "train.log_every=1",
                       "stop.on_divergence={retries: 1}"});
  const auto begin = frozen_state(run, true);
  At6 at6(run, begin);
  DivergeAt diverge;
  LastSnapshot store;
  Trainer trainer(run);
  trainer.keep_checkpoints_in(store);
  trainer.observe(diverge);
  trainer.observe(at6);
  EXPECT_EQ(trainer.fit().reason, StopReason::finished);
  EXPECT_THAT(at6.same, ElementsAre(true, true));
}

}  // namespace
}  // namespace onecycle
