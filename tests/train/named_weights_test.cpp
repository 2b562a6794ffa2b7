// weights.name: a descriptor says where the weights are and how their data were normalised.

#include "support/temporary_folder.h"
#include "train/support.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onecycle {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<double> kMean = {.25}, kStd = {.5};

class NamedWeights : public testing::Test {
 protected:
  NamedWeights() {
    folder_.write_text("own.yaml", "name: own\nfolders: [" + folder_.path() +
                                       "]\nmean: [0.25]\nstd: [0.5]\n"
                                       "download: {file: w.safetensors, urls: ['http://x/w'], "
                                       "sha256: '01234567'}\n");
    environment_.weights_folders = {folder_.path()};
    environment_.loading.warn = [this](const std::string& line) { said_.push_back(line); };
  }
  void put_file() {
    source_ = tiny_run({"seed=9"});
    save_weights(folder_ / "w.safetensors", *source_.parameters);
  }
  static Recipe recipe(std::vector<std::string> overrides = {}) {
    overrides.push_back("weights.name=own");
    return tiny_recipe(overrides);
  }
  RecipeRun run_of(const std::vector<std::string>& overrides = {}) const {
    return build(recipe(overrides), environment_);
  }
  std::string problem(const std::vector<std::string>& overrides) const {
    try {
      build(tiny_recipe(overrides), environment_);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "no error";
  }

  TemporaryFolder folder_;
  Environment environment_;
  RecipeRun source_;
  std::vector<std::string> said_;
};

TEST_F(NamedWeights, AreLoadedAndTheDataAreNormalisedAsTheirs) {
  put_file();
  const RecipeRun run = run_of();
  ASSERT_TRUE(run.weights.has_value());
  EXPECT_TRUE(bitwise_equal(state_of(run), state_of(source_)));
  EXPECT_EQ(run.data.mean, kMean);
  EXPECT_EQ(run.data.std, kStd);
  EXPECT_THAT(said_, IsEmpty());
  const auto evaluated = build_for_evaluation(recipe(), environment_);
  EXPECT_EQ(evaluated.data.mean, kMean);
}

TEST_F(NamedWeights, ARecipesOwnNormalisationStaysAndIsTold) {
  put_file();
  EXPECT_THAT(run_of({"data.mean=[0.3]", "data.std=[0.5]"}).data.mean, ElementsAre(.3));
  EXPECT_THAT(said_, ElementsAre(HasSubstr("own was trained with data.mean [0.25] and data.std "
                                           "[0.5], and the recipe normalises otherwise")));
  EXPECT_THAT(run_of({"data.normalise=none"}).data.mean, ElementsAre(0));
  EXPECT_EQ(said_.size(), 2u);
  run_of({"data.mean=[0.25]", "data.std=[0.5]"});
  EXPECT_EQ(said_.size(), 2u) << "the same numbers";
}

TEST_F(NamedWeights, WhatIsNotThereSaysHowToGetIt) {
  EXPECT_THAT(problem({"weights.name=own"}),
              HasSubstr("w.safetensors is in none of " + folder_.path() +
                        "; `onecycle weights fetch own` gets it"));
  EXPECT_THAT(problem({"weights.name=owm"}),
              HasSubstr("no published weights 'owm'; did you mean 'own'? known: own"));
}

TEST(NamedWeightsOption, GoesWithoutAFile) {
  EXPECT_THAT(
      [] {
        tiny_recipe({"weights.name=own", "weights.file=x.pth"});
      },
      testing::Throws<Error>());
}

// A checkpoint has them all: the file may be gone.
TEST_F(NamedWeights, AResumedRunNeedsNoFile) {
  const Recipe rest = without_initial_weights(recipe(), environment_);
  const RecipeRun run = build(rest, environment_);
  EXPECT_FALSE(run.weights.has_value());
  EXPECT_EQ(run.data.mean, kMean);
}

}  // namespace
}  // namespace onecycle
