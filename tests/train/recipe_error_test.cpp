// What a part says of a field, and what of the recipe's key: file and line are the recipe's.

#include "onecycle/error.h"

#include "train/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kRecipe = R"(seed: 3
data: {format: {name: synthetic, train: 100, test: 40}, batch_size: 16}
model: mlp
optimizer:
  name: sgd
  groups:
    - {match: fc*}
schedule:
  name: one_cycle
  lr_max: 0.1
train:
  duration: 2ep
  device: cpu
  freeze:
    - {match: "*.bias"}
    - match: "*.weight"
      from: 1ep
      until: 3it
)";

std::string refusal_of(const std::vector<std::string>& overrides) {
  Value document = parse_yaml(kRecipe, "r.yaml");
  for (const std::string& override : overrides) apply_override(document, override);
  try {
    build(read_recipe(document, Registries()), Environment());
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "";
}

TEST(RecipeErrors, HaveTheLineOfTheKey) {
  EXPECT_THAT(refusal_of({"train.freeze=[]"}),
              StartsWith("r.yaml:7:15: optimizer.groups[0].match: no parameter's name matches"));
  EXPECT_THAT(refusal_of({"optimizer.groups=[]"}),
              StartsWith("r.yaml:18:14: train.freeze[1].until: ends at step 3, not after step 5"));
  EXPECT_EQ(refusal_of({"optimizer.lr=0.2"}),
            "r.yaml:10:11: schedule.lr_max: sets the same quantity as optimizer.lr: remove one of "
            "them");
}

TEST(RecipeErrors, OfWhatIsNotWrittenHaveTheLineOfItsSection) {
  EXPECT_THAT(refusal_of({"schedule.lr_max=null"}),
              StartsWith("--set schedule.lr_max=null: schedule.lr_max: no learning rate"));
  EXPECT_THAT(refusal_of({"schedule={name: constant}"}),
              HasSubstr("schedule.lr: no learning rate"));
  EXPECT_THAT(refusal_of({"optimizer.groups=[]", "train.freeze=[]", "train.accumulate=9",
                          "data.limit=100"}),
              HasSubstr("train.accumulate: 9 times 16 samples are more than the 90"));
}

TEST(RecipeErrors, OfARecipeThatNobodyWroteHaveNone) {
  Recipe recipe = tiny_recipe();
  recipe.positions = nullptr;
  recipe.train.accumulate = 6;
  try {
    plan_run(recipe, 80, Environment());
    FAIL();
  } catch (const RecipeError& error) {
    EXPECT_THAT(error.what(), StartsWith("train.accumulate: 6 times 16 samples"));
  }
}

// Not what the task says of the settings of another kind of data.
TEST(RecipeErrors, OfATaskForOtherTargetsComeBeforeItsOwn) {
  const DataSet classes = tiny_run().data;
  for (const auto& [task, setting] :
       {std::pair{"regression", "train.label_smoothing=0.1"}, {"multi_label", "seed=4"}})
    try {
      build_on(classes, tiny_recipe({std::string("task=") + task, setting}), Environment());
      ADD_FAILURE() << task;
    } catch (const RecipeError& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(task) + " is for targets that are ")) << task;
    }
}

TEST(FieldErrors, NameTheFieldToWhoeverSetIt) {
  OneCycle schedule;
  schedule.lr_max = 0.1;
  try {
    make_schedule(schedule, {.lr = 0.2});
    FAIL();
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), "schedule.lr_max");
    EXPECT_EQ(error.why(), "sets the same quantity as optimizer.lr: remove one of them");
    EXPECT_EQ(error.exit_code(), 2);
  }
}

}  // namespace
}  // namespace onecycle
