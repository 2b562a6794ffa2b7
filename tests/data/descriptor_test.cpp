#include "data_test_support.h"
#include "support/places.h"
#include "yaml/yaml.h"

#include <algorithm>
#include <set>

namespace onecycle {
namespace {

using testing::HasSubstr;

const std::string kShipped = source_dir() + "/datasets";

DatasetDescriptor find(const std::string& name, const std::vector<std::string>& folders) {
  DataOptions options;
  options.name = name;
  return find_descriptor(options, folders);
}

TEST(Descriptors, EveryShippedOneIsSound) {
  const auto names = list_descriptors({kShipped});
  for (const char* name :
       {"cifar10", "cifar100", "cifar100-coarse", "fashion-mnist", "mnist", "synthetic"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  for (const std::string& name : names) {
    const DatasetDescriptor descriptor = find(name, {kShipped});
    EXPECT_EQ(descriptor.name, name);
    EXPECT_FALSE(descriptor.title.empty()) << name;
    const auto made = builtin_formats().make(descriptor.format);
    EXPECT_EQ(made->files(Split::train).empty(), descriptor.get.empty()) << name;
    const std::set<std::string> distinct(descriptor.classes.begin(), descriptor.classes.end());
    EXPECT_EQ(distinct.size(), descriptor.classes.size()) << name;
  }
  EXPECT_EQ(find("cifar100", {kShipped}).classes.size(), 100u);
  EXPECT_EQ(find("cifar100-coarse", {kShipped}).classes.size(), 20u);
}

TEST(Descriptors, EarlierFoldersAndPathsWin) {
  TemporaryFolder own;
  own.write_text("synthetic.yaml", "{name: mine, format: synthetic}");
  EXPECT_EQ(find("synthetic", {own.path(), kShipped}).name, "mine");
  EXPECT_EQ(find("synthetic", {kShipped, own.path()}).name, "synthetic");
  EXPECT_EQ(find(own / "synthetic.yaml", {kShipped}).name, "mine");
}

TEST(Descriptors, UnknownNameListsTheKnownAndTheNearest) {
  try {
    find("fashionmnist", {kShipped});
    ADD_FAILURE();
  } catch (const FieldError& error) {
    EXPECT_STREQ(error.what(),
                 "data.name: no data set 'fashionmnist'; did you mean 'fashion-mnist'? known: "
                 "cifar10, cifar100, cifar100-coarse, fashion-mnist, mnist, synthetic");
  }
}

TEST(Descriptors, MistakesNameTheirPlace) {
  TemporaryFolder own;
  const std::pair<std::string, std::string> cases[] = {
      {"{name: d}", ":1:1: format.name: is required"},
      {"{name: d, format: jpeg}", ":1:19: format.name: unknown name 'jpeg'"},
      {"{format: synthetic}", ":1:1: name: is required"},
      {"{name: d, format: synthetic, clases: [a]}", ":1:30: clases: unknown key; did you mean"},
      {"{name: d, format: synthetic, mean: [1]}", "mean and std go together"},
      {"{name: d, format: synthetic, sha256: {a: 12}}",
       ":1:38: sha256: expected a map of file names to SHA-256 digests"},
  };
  for (const auto& [yaml, message] : cases) {
    own.write_text("d.yaml", yaml);
    try {
      find("d", {own.path()});
      ADD_FAILURE() << yaml;
    } catch (const RecipeError& error) {
      EXPECT_THAT(error.what(), HasSubstr(message)) << yaml;
    }
  }
}

// ---- Weights -----------------------------------------------------------------------------------

const std::string kShippedWeights = source_dir() + "/weights";

TEST(WeightsDescriptors, TorchvisionsCarryTheirChecksums) {
  const auto names = list_descriptors({kShippedWeights});
  EXPECT_THAT(names,
              testing::ElementsAre("resnet18-imagenet", "resnet34-imagenet", "resnet50-imagenet"));
  for (const std::string& name : names) {
    const WeightsDescriptor weights = find_weights_descriptor(name, {kShippedWeights});
    EXPECT_EQ(weights.name, name);
    EXPECT_FALSE(weights.title.empty());
    const Download& download = weights.download;
    const std::string model = name.substr(0, name.find('-'));
    EXPECT_EQ(download.file, model + "-" + download.sha256 + ".pth");
    EXPECT_THAT(download.urls,
                testing::ElementsAre("https://download.pytorch.org/models/" + download.file));
    EXPECT_THAT(weights.mean, testing::ElementsAre(.485, .456, .406));
    EXPECT_THAT(weights.std, testing::ElementsAre(.229, .224, .225));
  }
}

TEST(WeightsDescriptors, AreLookedForInTheirFolders) {
  TemporaryFolder own;
  WeightsDescriptor weights;
  weights.folders = {"${ONECYCLE_NOT_SET}/x", own / "none", own.path()};
  weights.download.file = "w.pth";
  EXPECT_FALSE(weights_place(weights).has_value());
  own.write_text("w.pth", "x");
  EXPECT_EQ(weights_place(weights), own / "w.pth");
}

TEST(WeightsDescriptors, MistakesNameTheirPlace) {
  TemporaryFolder own;
  const std::pair<std::string, std::string> cases[] = {
      {"{name: w, folders: [a]}", "download.file: is required"},
      {"{name: w, folders: [a], download: {file: a, urls: [b], sha256: f37072f}}",
       "expected 64 lower-case hexadecimal digits, or the first 8 or more"},
      {"{name: w, folders: [a], download: {file: a, urls: [b]}}", "a checksum is required"},
      {"{name: w, folders: [a], mean: [1], download: {file: a, urls: [b], sha256: f37072fd}}",
       "mean and std go together"},
  };
  for (const auto& [yaml, message] : cases) {
    own.write_text("w.yaml", yaml);
    EXPECT_THAT([&] { (void)find_weights_descriptor("w", {own.path()}); },
                testing::ThrowsMessage<RecipeError>(HasSubstr(message)))
        << yaml;
  }
}

}  // namespace
}  // namespace onecycle
