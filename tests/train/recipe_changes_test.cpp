// What a page shows of a recipe: the keys without which it would be another.

#include "recipe/recipe_changes.h"

#include "onecycle/build.h"

#include "recipe/recipe_text.h"
#include "train/support.h"

#include <gtest/gtest.h>

namespace onecycle {
namespace {

std::string changes_of(const std::string& recipe) {
  const Registries registries;
  const std::string resolved =
      resolved_text(read_recipe(parse_yaml(recipe, "r.yaml"), registries), registries);
  return changes_from_defaults(resolved, registries.variants());
}

TEST(RecipeChanges, AreTheKeysThatWereNeeded) {
  EXPECT_EQ(changes_of(R"(
data: {format: {name: synthetic, train: 100, test: 40}, batch_size: 16, augment: {flip: true}}
model: {name: mlp, hidden: [16], dropout: 0}
optimizer: {name: sgd}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 2ep, log_every: 25}
)"),
            "data.format.name: synthetic\n"
            "data.format.train: 100\n"
            "data.format.test: 40\n"
            "data.batch_size: 16\n"
            "data.augment.flip: {mode: random}\n"
            "model.name: mlp\n"
            "model.hidden: [16]\n"
            "schedule.lr_max: 0.1\n"
            "train.duration: 2ep\n");
}

TEST(RecipeChanges, WhatCannotBeReadIsShown) {
  const RecipeVariants variants = Registries().variants();
  const std::string changes = changes_from_defaults(
      "seed: ${SEED}\nmodel: {name: mlp}\nold_key: 3\ntrain: {log_every: 25}\n", variants);
  EXPECT_EQ(changes, "seed: ${SEED}\nmodel.name: mlp\nold_key: 3\n");
  EXPECT_EQ(changes_from_defaults("a: [", variants), "");
  EXPECT_EQ(changes_from_defaults("", variants), "");
  std::string endless;  // a stranger's, of which each key would be tried on the whole
  for (int i = 0; i < 20'000; ++i) endless += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(changes_from_defaults(endless, variants), "");
}

}  // namespace
}  // namespace onecycle
