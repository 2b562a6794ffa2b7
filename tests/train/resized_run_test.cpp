// data.resize from a recipe to a network that is used without it.

#include "onecycle/predictor.h"

#include "train/support.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

RecipeRun resized_run() {
  return tiny_run({"data.resize=12", "data.size=10", "data.augment={pad_crop: 2, flip: true}"});
}

TEST(ResizedRun, TheNetworkIsMadeForWhatItSees) {
  const RecipeRun run = resized_run();
  EXPECT_EQ(run.context.height, 10);
  EXPECT_EQ(run.context.width, 10);
  run.train->seek(0, 0);
  EXPECT_EQ(run.train->rows(0, 16).inputs.sizes(), at::IntArrayRef({16, 1, 10, 10}));
  EXPECT_EQ(run.validation->in_order(0, 20, 20).inputs.sizes(), at::IntArrayRef({20, 1, 10, 10}));
}

TEST(ResizedRun, PredictsWhatItEvaluates) {
  const RecipeRun run = resized_run();
  const NetworkTask task = task_of(run, {});
  EXPECT_EQ(task.batch_resize, (BatchResize{12, 8, 8}));
  EXPECT_EQ(task.resize, 8);
  const auto rebuilt = build_for_task(task, run.recipe, {});
  EXPECT_EQ(rebuilt.data.sample_shape(), (std::vector<std::int64_t>{1, 10, 10}));
  EXPECT_EQ(rebuilt.data.resize, 12);
  const at::NoGradGuard no_grad;
  run.model->eval();
  const at::Tensor inputs = run.test->in_order(0, 37, 37).inputs;
  const at::Tensor seen =
      at::upsample_bilinear2d(run.data.test.images.to(at::kFloat) / 255, {12, 12}, false)
          .narrow(2, 1, 10)
          .narrow(3, 1, 10);
  EXPECT_TRUE(at::allclose(inputs, (seen - run.data.mean[0]) / run.data.std[0], 1e-4, 1e-5));
  const at::Tensor logits = run.model->forward(inputs);
  const Predictor predictor(run.model, task, {.device = DeviceChoice::cpu});
  EXPECT_TRUE(at::allclose(predictor.predict(run.data.test.images).logits, logits, 1e-4, 1e-5));
}

}  // namespace
}  // namespace onecycle
