// What the options of `train` do to a step, against hand arithmetic.

#include "onecycle/error.h"
#include "onecycle/loader.h"
#include "onecycle/predict.h"

#include "train/state/averages.h"
#include "train/support.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

namespace onecycle {
namespace {

std::vector<at::Tensor> trained(const std::vector<std::string>& overrides) {
  auto run = tiny_run(overrides);
  Trainer(run).fit();
  return state_of(run);
}

double largest_difference(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, (a[i] - b[i]).abs().max().item<double>());
  return largest;
}

TEST(Accumulate, EqualsTheLargerBatch) {
  const auto with = [](const std::string& batch, const std::string& accumulate) {
    return trained({"train.precision=fp64", "data.batch_size=" + batch,
                    "train.accumulate=" + accumulate, "data.augment=[flip, {mixup: 1.0}]"});
  };
  const auto whole = with("40", "1");
  EXPECT_LT(largest_difference(whole, with("10", "4")), 1e-12);
  EXPECT_LT(largest_difference(whole, with("20", "2")), 1e-12);
  EXPECT_GT(largest_difference(whole, with("10", "1")), 1e-6);
  EXPECT_LT(largest_difference(with("all", "1"), with("all", "3")), 1e-12) << "27 + 27 + 26";
}

TEST(Accumulate, CountsInTheTotalBatch) {
  const auto steps = plan_run(tiny_recipe({"train.accumulate=2"}), 80, Environment()).steps;
  EXPECT_EQ(steps.total_batch, 32);
  EXPECT_EQ(steps.micro_batch, 16);
  EXPECT_EQ(steps.steps_per_epoch, 2);
  EXPECT_THROW(plan_run(tiny_recipe({"train.accumulate=6"}), 80, Environment()), RecipeError);
}

TEST(Clip, ByTheNormOfAllGradients) {
  const std::vector<std::string> plain = {"train.precision=fp64", "train.duration=1it",
                                          "schedule={name: constant, lr: 1}",
                                          "optimizer={name: sgd, momentum: 0}"};
  auto run = tiny_run(plain);
  const auto before = state_of(run);
  Trainer(run).fit();
  const auto after = state_of(run);
  double squares = 0;
  for (std::size_t i = 0; i < before.size(); ++i)
    squares += (before[i] - after[i]).pow(2).sum().item<double>();
  const double norm = std::sqrt(squares);  // of the gradients: the step is lr 1 times them
  for (const double limit : {norm / 3, norm * 3}) {
    auto clipped = plain;
    clipped.push_back("train.grad_clip=" + std::to_string(limit));
    const auto short_step = trained(clipped);
    const double share = std::min(1.0, limit / norm);
    for (std::size_t i = 0; i < before.size(); ++i)
      EXPECT_LT(
          (short_step[i] - (before[i] + share * (after[i] - before[i]))).abs().max().item<double>(),
          1e-5 * norm);
  }
}

TEST(Average, AsItsFormulaSays) {
  auto run = tiny_run({"train.precision=fp64"});
  WeightAverage average(*run.parameters, 0.3);
  at::Tensor expected = run.parameters->all()[0].master.clone();
  const at::NoGradGuard no_grad;
  for (std::int64_t t = 0; t < 8; ++t) {
    run.parameters->all()[0].master.add_(1.5);
    average.write(t);
    average.queue();
    const double keep =
        std::min(0.3, (1.0 + static_cast<double>(t)) / (10.0 + static_cast<double>(t)));
    expected = keep * expected + (1 - keep) * run.parameters->all()[0].master;
  }
  const std::string name = run.parameters->all()[0].name;
  EXPECT_TRUE(average.tensors().at(name).allclose(expected, 1e-12, 1e-12));
  const at::Tensor live = run.parameters->all()[0].master.clone();
  average.stand_in_for(
      [&] { EXPECT_TRUE(run.parameters->all()[0].master.allclose(expected, 1e-12, 1e-12)); });
  EXPECT_TRUE(run.parameters->all()[0].master.equal(live));
}

TEST(Average, IsWhatAnEvaluationSees) {
  auto run = tiny_run({"train.ema_decay=0.9", "train.duration=3ep"});
  auto plain = tiny_run({"train.duration=3ep"});
  const RunEnd averaged = Trainer(run).fit();
  const RunEnd last = Trainer(plain).fit();
  EXPECT_TRUE(bitwise_equal(state_of(run), state_of(plain)));
  EXPECT_NE(averaged.validation->loss, last.validation->loss);
}

// Weights go up by 1 a step; what is kept and what comes back, by hand.
TEST(Lookahead, AsItsFormulaSays) {
  auto run = tiny_run({"train.precision=fp64"});
  LookaheadOptions options;
  options.every = 2;
  options.keep = 0.8;
  options.power = 3;
  Lookahead lookahead(*run.parameters, options, 7);
  const at::NoGradGuard no_grad;
  at::Tensor weight = run.parameters->all()[0].master;
  const at::Tensor start = weight.clone();
  double kept = 0, moving = 0;
  for (std::int64_t t = 1; t <= 7; ++t) {
    weight.add_(1);
    moving += 1;
    lookahead.write(t);
    lookahead.queue();
    if (t % 2 == 0) {
      const double share = 0.8 * std::pow(static_cast<double>(t) / 7, 3);
      moving = kept = share * kept + (1 - share) * moving;
    }
    if (t == 7) moving = kept;
    EXPECT_TRUE(weight.allclose(start + moving, 1e-12, 1e-12)) << t;
  }
  EXPECT_TRUE(
      lookahead.tensors().at(run.parameters->all()[0].name).allclose(start + kept, 1e-12, 1e-12));
}

// In bf16 what computes follows the masters; norms' statistics are pulled back too.
TEST(Lookahead, ReachesAllOfTheModel) {
  auto run = tiny_run({"model={name: resnet8, width: 4}", "train.precision=bf16",
                       "train.lookahead={every: 3, keep: 1}"});
  const auto begin = state_of(run);
  Trainer(run).fit();
  const auto names = run.model->named_buffers();
  EXPECT_TRUE(names["bn1.running_mean"].abs().sum().item<double>() == 0);
  for (std::size_t i = 0; i < run.parameters->all().size(); ++i) {
    const Parameter& parameter = run.parameters->all()[i];
    EXPECT_TRUE(parameter.master.equal(begin[i])) << "a share of 1 keeps the start";
    EXPECT_TRUE(parameter.working.detach().equal(begin[i].to(parameter.working.scalar_type())));
  }
  auto off = tiny_run({"train.lookahead={every: 100000}"}), none = tiny_run();
  Trainer(off).fit();
  Trainer(none).fit();
  const auto end = state_of(none);
  EXPECT_FALSE(bitwise_equal(state_of(off), end)) << "the end is what was kept: the start";
}

TEST(Evaluate, ViewsAsTheRecipeSays) {
  for (const auto& [name, views] : {std::pair{"none", TestTimeAugmentation::none},
                                    {"flip", TestTimeAugmentation::flip},
                                    {"flip+shift", TestTimeAugmentation::flip_shift}}) {
    auto run = tiny_run({"model={name: resnet8, width: 4}", std::string("train.tta=") + name});
    const RunEnd end = Trainer(run).fit();
    PredictOptions options;
    options.augmentation = views;
    const Score score = predict(run, *run.test, options).score;
    EXPECT_EQ(end.test->loss, score.loss) << name;
    EXPECT_EQ(evaluate(run, *run.test, true).loss, score.loss) << name;
    options.augmentation = TestTimeAugmentation::none;
    EXPECT_EQ(predict(run, *run.test, options).score.loss == score.loss, name[0] == 'n');
  }
  EXPECT_THROW(tiny_run({"train.tta=flip+shift", "data.format.width=1"}), RecipeError);
}

TEST(Evaluate, ViewsOfAShareAsTheRecipeSays) {
  const std::vector<std::string> net{"model={name: resnet8, width: 4}", "train.tta=flip+shift"};
  auto run = tiny_run({net[0], net[1], "train.tta_share=0.3"});
  const RunEnd end = Trainer(run).fit();
  PredictOptions options;
  options.augmentation = TestTimeAugmentation::flip_shift;
  options.share = .3;
  const Score score = predict(run, *run.test, options).score;
  EXPECT_EQ(end.test->loss, score.loss);
  std::vector<float> losses;
  EXPECT_EQ(evaluate(run, *run.test, true, losses).loss, score.loss);
  ASSERT_EQ(losses.size(), 37U);
  EXPECT_NEAR(std::accumulate(losses.begin(), losses.end(), 0.0) / 37, score.loss, 1e-6);
  options.share = 1;
  EXPECT_NE(predict(run, *run.test, options).score.loss, score.loss);
  for (const char* share : {"0", "1.5", "-0.1"})
    EXPECT_THROW(tiny_run({net[0], net[1], std::string("train.tta_share=") + share}), RecipeError);
}

TEST(Evaluate, AShareOfNoViewsIsRefused) {
  try {
    tiny_run({"train.tta_share=0.3"});
    FAIL() << "it has no effect";
  } catch (const RecipeError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("train.tta_share: has no effect without views"));
  }
}

TEST(Mixup, TheLossIsTheWeightedOne) {
  auto run = tiny_run({"data.augment=[{mixup: 0.5}]", "train.duration=1it", "train.precision=fp64",
                       "train.log_every=1"});
  LoaderOptions options;
  options.dtype = at::kDouble;
  options.batch_size = run.steps.total_batch;
  options.mean = run.data.mean;
  options.std = run.data.std;
  options.augment = augment_of(run.recipe, Registries());
  options.seed = run.options.seed;
  Loader loader(run.data.train, options);
  const Batch batch = loader.train_batch(0, 0);
  const at::Tensor chances = at::log_softmax(run.model->forward(batch.inputs), 1);
  const auto loss_of = [&](const at::Tensor& labels) {
    return -chances.gather(1, labels.unsqueeze(1)).squeeze(1);
  };
  const at::Tensor weight = batch.mix->weight.to(at::kDouble);
  const double expected =
      (weight * loss_of(batch.targets) + (1 - weight) * loss_of(batch.mix->targets))
          .mean()
          .item<double>();
  EXPECT_NEAR(Trainer(run).fit().train->loss, expected, 1e-6);
}

}  // namespace
}  // namespace onecycle
