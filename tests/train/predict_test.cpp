// Probabilities, views of an image, and networks without their data.

#include "onecycle/predict.h"

#include "onecycle/error.h"

#include "support/choices.h"
#include "train/support.h"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

const std::vector<std::string> kRecipe = {"model={name: resnet8, width: 4}",
                                          "data.format.channels=3", "data.format.height=6"};

at::Tensor normalised(const RecipeRun& run, const ImageSet& set) {
  const at::Tensor mean = at::tensor(run.data.mean).view({1, -1, 1, 1});
  const at::Tensor std = at::tensor(run.data.std).view({1, -1, 1, 1});
  return ((set.images.to(at::kDouble) / 255 - mean) / std).to(at::kFloat);
}

at::Tensor logits_of(Run& run, const at::Tensor& images) {
  const at::NoGradGuard no_grad;
  run.model->eval();
  const at::Tensor logits = run.model->forward(images.contiguous(run.compute.memory_format));
  run.model->train();
  return logits.to(at::kDouble);
}

// The image moved by one pixel along a dimension; what comes in at the edge mirrors its inside.
at::Tensor moved(const at::Tensor& images, std::int64_t dim, bool forwards) {
  const std::int64_t n = images.size(dim);
  std::vector<std::int64_t> from;
  for (std::int64_t i = 0; i < n; ++i)
    from.push_back(forwards ? (i == 0 ? 1 : i - 1) : (i == n - 1 ? n - 2 : i + 1));
  return images.index_select(dim, at::tensor(from));
}

Prediction predicted(Run& run, TestTimeAugmentation views) {
  PredictOptions options;
  options.augmentation = views;
  return predict(run, *run.test, options);
}

void expect_close(const at::Tensor& probabilities, const at::Tensor& logits) {
  const at::Tensor expected = at::softmax(logits, 1);
  EXPECT_LT((probabilities.to(at::kDouble) - expected).abs().max().item<double>(), 1e-5);
}

TEST(Predict, MeanLogitsOfTheViews) {
  auto run = tiny_run(kRecipe);
  Trainer(run).fit();
  const at::Tensor images = normalised(run, run.data.test);
  const at::Tensor plain = logits_of(run, images);
  const auto mirrored = [&](const at::Tensor& view) {
    return (logits_of(run, view) + logits_of(run, view.flip({3}))) / 2;
  };
  expect_close(predicted(run, TestTimeAugmentation::none).probabilities, plain);
  expect_close(predicted(run, TestTimeAugmentation::flip).probabilities, mirrored(images));
  const at::Tensor down_right = moved(moved(images, 2, true), 3, true);
  const at::Tensor up_left = moved(moved(images, 2, false), 3, false);
  expect_close(predicted(run, TestTimeAugmentation::flip_shift).probabilities,
               mirrored(images) / 2 + (mirrored(down_right) + mirrored(up_left)) / 4);
}

// [N], 1 for the samples whose largest probability exceeds the second one by the least.
at::Tensor least_sure(const at::Tensor& logits, std::int64_t count) {
  const at::Tensor sorted = std::get<0>(at::softmax(logits, 1).sort(1, /*descending=*/true));
  const at::Tensor order = (sorted.select(1, 0) - sorted.select(1, 1)).argsort();
  return at::zeros({logits.size(0)}, at::kDouble).index_fill_(0, order.narrow(0, 0, count), 1);
}

TEST(Predict, TheLeastSureAloneHaveAllViews) {
  auto run = tiny_run(kRecipe);
  Trainer(run).fit();
  const at::Tensor images = normalised(run, run.data.test);
  const at::Tensor plain = logits_of(run, images);
  const at::Tensor mirrored = (plain + logits_of(run, images.flip({3}))) / 2;
  PredictOptions options;
  options.augmentation = TestTimeAugmentation::flip;
  for (const auto& [share, count] : {std::pair{.25, 9}, {.5, 19}, {.01, 0}, {1.0, 37}}) {
    options.share = share;
    std::int64_t told = 0;
    options.progress = [&](std::int64_t done) {
      EXPECT_GE(done, told);
      told = done;
    };
    const at::Tensor chosen = least_sure(plain, count).unsqueeze(1);
    const Prediction prediction = predict(run, *run.test, options);
    expect_close(prediction.probabilities, plain + chosen * (mirrored - plain));
    EXPECT_EQ(told, 37);
    EXPECT_EQ(prediction.score.samples, 37);
    const at::Tensor right = prediction.probabilities.argmax(1).eq(run.data.test.labels);
    EXPECT_DOUBLE_EQ(right.to(at::kDouble).mean().item<double>(), prediction.score.metric());
  }
}

// More than one batch of 512, whose last one is padded: a sample is as it is on its own.
TEST(Predict, TheLeastSureAreThoseOfTheWholeSet) {
  auto run = tiny_run({"model={name: resnet8, width: 4}", "data.format.channels=3",
                       "data.format.height=6", "data.format.test=1100"});
  Trainer(run).fit();
  const at::Tensor images = normalised(run, run.data.test);
  const at::Tensor plain = logits_of(run, images);
  const at::Tensor chosen = least_sure(plain, 770).unsqueeze(1);
  PredictOptions options;
  options.augmentation = TestTimeAugmentation::flip;
  options.share = .7;
  const at::Tensor mirrored = (plain + logits_of(run, images.flip({3}))) / 2;
  expect_close(predict(run, *run.test, options).probabilities, plain + chosen * (mirrored - plain));
}

TEST(Predict, OnlyOfClassesIsItKnownWhichAreSure) {
  auto run = tiny_run(kRecipe);
  run.task = multi_label(run.context.classes);
  PredictOptions options;
  options.augmentation = TestTimeAugmentation::flip;
  options.share = .5;
  EXPECT_THAT([&] { (void)predict(run, *run.test, options); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("give all samples their views")));
  EXPECT_EQ(predict(run, *first_of(run.test, 0), options).probabilities.size(0), 0);
}

TEST(Predict, ScoresAsEvaluate) {
  auto run = tiny_run(kRecipe);
  Trainer(run).fit();
  const Score score = evaluate(run, *run.test, false);
  std::int64_t told = 0;
  PredictOptions options;
  options.progress = [&](std::int64_t done) { told = done; };
  const Prediction prediction = predict(run, *run.test, options);
  EXPECT_EQ(prediction.score.loss, score.loss);
  EXPECT_EQ(prediction.score.metric(), score.metric());
  EXPECT_EQ(prediction.probabilities.size(0), 37);
  EXPECT_EQ(told, 37);
  const at::Tensor right = prediction.probabilities.argmax(1).eq(run.data.test.labels);
  EXPECT_DOUBLE_EQ(right.to(at::kDouble).mean().item<double>(), score.metric());
}

// As many columns as a sample has, not as the network has outputs.
TEST(Predict, AnEmptySetHasTheColumnsOfOthers) {
  auto run = tiny_run(kRecipe);
  RegressionOptions options;
  options.loss = RegressionLoss::gaussian_nll;
  run.task = regression(options);
  const auto none = first_of(run.test, 0);
  ASSERT_EQ(none->size(), 0);
  ASSERT_EQ(run.context.classes, 4);
  EXPECT_EQ(predict(run, *none).probabilities.sizes(), (std::vector<std::int64_t>{0, 2}));
}

TEST(Predict, OnePixelCannotBeShifted) {
  auto run = tiny_run({"data.format.width=1"});
  EXPECT_THROW(predicted(run, TestTimeAugmentation::flip_shift), Error);
  EXPECT_NO_THROW(predicted(run, TestTimeAugmentation::flip));
}

TEST(Predict, OutputsThatAreNoNumbersAreAnError) {
  auto run = tiny_run();
  for (const Parameter& parameter : run.parameters->all()) at::Tensor(parameter.master).fill_(1e38);
  run.parameters->refresh_working();
  EXPECT_THAT([&] { (void)predicted(run, TestTimeAugmentation::none); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("not numbers for ")));
}

TEST(Task, ANetworkWithoutItsData) {
  auto run = tiny_run(kRecipe);
  Trainer(run).fit();
  const Environment environment;
  const auto task = task_in({{"task", to_json(task_of(run, environment))}}, "file");
  ASSERT_TRUE(task);
  EXPECT_EQ(task->resize, 6);
  onecycle::RecipeRun bare = build_for_task(*task, run.recipe, environment);
  EXPECT_EQ(bare.data.train.size(), 0);
  EXPECT_EQ(bare.data.classes, run.data.classes);
  for (std::size_t i = 0; i < run.parameters->all().size(); ++i)
    bare.parameters->all()[i].master.copy_(run.parameters->all()[i].master);
  const auto own = run.model->named_buffers();
  for (auto& item : bare.model->named_buffers()) item.value().copy_(own[item.key()]);
  const at::Tensor with_data = predicted(run, TestTimeAugmentation::none).probabilities;
  EXPECT_TRUE(predict(bare, *source_of(run.data.test, bare)).probabilities.equal(with_data));
}

TEST(Task, OfAnImageFolderIsResizedAsItsPictures) {
  auto run = tiny_run();
  run.recipe.data.name.reset();
  run.recipe.data.format = chosen(builtin_formats(), "image_folder", "{size: 7, resize: null}");
  EXPECT_EQ(task_of(run, Environment()).resize, 8) << "no less than the network's 8 pixels";
  run.recipe.data.format = chosen(builtin_formats(), "image_folder", "{size: 12, resize: 20}");
  EXPECT_EQ(task_of(run, Environment()).resize, 20);
}

TEST(Task, BrokenOnesAreRefused) {
  EXPECT_FALSE(task_in({}, "file"));
  for (const char* text : {"", "{}", "[1]",
                           R"({"data":"a","channels":1,"height":0,"width":8,)"
                           R"("classes":["a"],"mean":[0],"std":[1],"resize":8})",
                           R"({"data":"a","channels":3,"height":8,"width":8,)"
                           R"("classes":["a"],"mean":[0],"std":[1],"resize":8})"})
    EXPECT_THROW(task_in({{"task", text}}, "file"), CheckpointError) << text;
}

// A sound task, but for one field.
TEST(Task, EveryFieldIsChecked) {
  const NetworkTask sound{"a", 1, 8, 8, {"a", "b"}, {0.5}, {0.25}, 8};
  ASSERT_TRUE(task_in({{"task", to_json(sound)}}, "file"));
  const auto refused = [&](const std::string& field,
                           const std::function<void(NetworkTask&)>& spoil) {
    NetworkTask task = sound;
    spoil(task);
    EXPECT_THAT(
        [&] {
          (void)task_in({{"task", to_json(task)}}, "x.safetensors");
        },
        testing::ThrowsMessage<CheckpointError>(testing::AllOf(
            testing::HasSubstr("x.safetensors: "), testing::HasSubstr("`" + field + "`"))));
  };
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  refused("channels", [](NetworkTask& task) { task.channels = kHuge; });
  refused("height", [](NetworkTask& task) { task.height = -8; });
  refused("width", [](NetworkTask& task) { task.width = 0; });
  refused("width", [](NetworkTask& task) { task.channels = task.height = task.width = 65536; });
  refused("resize", [](NetworkTask& task) { task.resize = 7; });
  refused("resize", [](NetworkTask& task) { task.resize = kHuge; });
  refused("classes", [](NetworkTask& task) { task.classes.clear(); });
  refused("classes", [](NetworkTask& task) { task.classes[1] = "a\nb"; });
  refused("mean", [](NetworkTask& task) { task.mean = {0.5, 0.5}; });
  refused("mean", [](NetworkTask& task) { task.mean = {1e300}; });
  refused("std", [](NetworkTask& task) { task.std = {0}; });
  refused("std", [](NetworkTask& task) { task.std = {-1}; });
  refused("std", [](NetworkTask& task) { task.std = {1e-320}; });
}

}  // namespace
}  // namespace onecycle
