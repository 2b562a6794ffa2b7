// `train.tf32`, `train.autotune` and `train.deterministic`: from a recipe to the process.

#include "onecycle/device_settings.h"
#include "onecycle/error.h"
#include "onecycle/observers.h"

#include "train/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Context.h>

namespace onecycle {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string refused(const std::string& override) {
  try {
    (void)tiny_recipe({override});
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "";
}

TEST(DeviceOptions, AreReadAndRefused) {
  EXPECT_EQ(tiny_recipe().train.device_settings(), DeviceSettings{});
  EXPECT_EQ(tiny_recipe({"train.tf32=off", "train.autotune=off", "train.deterministic=true"})
                .train.device_settings(),
            (DeviceSettings{Tf32Choice::off, AutotuneChoice::off, true}));
  EXPECT_EQ(tiny_recipe({"train.tf32=on", "train.autotune=on"}).train.device_settings(),
            (DeviceSettings{Tf32Choice::on, AutotuneChoice::on, false}));
  EXPECT_THAT(refused("train.tf32=tf16"), AllOf(HasSubstr("train.tf32"), HasSubstr("off")));
  EXPECT_THAT(refused("train={autotune: on, deterministic: true}"),
              AllOf(HasSubstr("train.autotune"), HasSubstr("contradicts deterministic")));
}

TEST(DeviceOptions, ReachTheEnvironmentAndNothingElse) {
  const DeviceSettingsGuard guard;
  const std::string before = tf32_text();
  const Recipe recipe = tiny_recipe({"train.tf32=on", "train.deterministic=true"});
  (void)build(recipe, {});
  EXPECT_EQ(tf32_text(), before);
  EXPECT_FALSE(at::globalContext().deterministicAlgorithms());

  Environment environment;
  std::optional<DeviceSettings> given;
  environment.use_device = [&](const DeviceSettings& settings) { given = settings; };
  (void)build(recipe, environment);
  EXPECT_EQ(given, (DeviceSettings{Tf32Choice::on, AutotuneChoice::automatic, true}));

  environment.use_device = use_device_settings;
  EXPECT_THAT(build(recipe, environment).compute.summary, HasSubstr("deterministic"));
  EXPECT_TRUE(at::globalContext().deterministicAlgorithms());
}

RecipeRun set_run(const std::vector<std::string>& overrides) {
  Environment environment;
  environment.use_threads = at::set_num_threads;
  environment.use_device = use_device_settings;
  return build(tiny_recipe(overrides), environment);
}

void expect_equal_runs(const std::string& device) {
  const DeviceSettingsGuard guard;
  const std::vector<std::vector<std::string>> recipes = {
      {"train.deterministic=true", "train.threads=2",
       "model={name: mlp, hidden: [12], dropout: 0.3}"},
      {"train.deterministic=true", "train.threads=2", "model={name: resnet8, width: 4}",
       "data.augment=[{pad_crop: 1}, flip, {mixup: 0.4}]", "train.ema_decay=0.9"},
      {"train.deterministic=true", "train.threads=2",
       "model={name: cifar_fast, widths: [4], whiten_samples: 30}", "optimizer={name: muon}",
       "schedule.lr_max=0.01"}};
  for (std::vector<std::string> recipe : recipes) {
    recipe.push_back("train.device=" + device);
    SCOPED_TRACE(recipe[2]);
    const RecipeRun first = set_run(recipe);
    const std::vector<at::Tensor> start = state_of(first);
    Trainer(first).fit();
    const RecipeRun second = set_run(recipe);
    Trainer(second).fit();
    EXPECT_TRUE(bitwise_equal(state_of(first), state_of(second)));
    EXPECT_FALSE(bitwise_equal(state_of(first), start));
  }
}

// These would be so without it, too: nothing of ours depends on which thread comes first.
TEST(Deterministic, RunsAreEqualBitForBit) { expect_equal_runs("cpu"); }

TEST(DeterministicCuda, RunsAreEqualBitForBit) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  expect_equal_runs("cuda");
}

// cuDNN cannot time anything while a graph is recorded, which would be an error here.
TEST(AutotunedCuda, StepsAreTunedBeforeTheirGraphIsRecorded) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  const DeviceSettingsGuard guard;
  const RecipeRun run =
      set_run({"train.autotune=on", "train.graph=on", "train.device=cuda", "train.duration=10ep",
               "model={name: resnet8, width: 16}", "train.precision=bf16"});
  EXPECT_EQ(Trainer(run).fit().steps, 50);
}

TEST(Deterministic, AnOperationThatIsNotIsNamedInOneLine) {
  const DeviceSettingsGuard guard;
  struct NotDeterministic : Observer {
    void on_batch_end(const BatchEnd&) override {
      at::Context::alertNotDeterministic("max_pool3d_with_indices_backward_cuda");
    }
  } layer;
  const RecipeRun run = set_run({"train.deterministic=true"});
  Trainer trainer(run);
  trainer.observe(layer);
  try {
    trainer.fit();
    FAIL() << "trained";
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), "train.deterministic");
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("max_pool3d_with_indices_backward_cuda has no deterministic"),
                      Not(HasSubstr("\n"))));
  }
}

}  // namespace
}  // namespace onecycle
