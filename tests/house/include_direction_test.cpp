// Dependencies point one way (src/README.md): every include of every room is held against its list.

#include "support/places.h"
#include "support/temporary_folder.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <set>

namespace onecycle::testing {
namespace {

namespace fs = std::filesystem;

// What a room may include beside itself and onecycle/*.h.
const std::map<std::string, std::set<std::string>> kAllowed = {
    {"core", {}},
    {"weights", {"core"}},
    {"recipe", {"core"}},
    {"schedule", {"core"}},
    {"kernels", {"core"}},
    {"data", {"core", "kernels"}},
    {"dist", {"core"}},
    {"model", {"core", "kernels"}},
    {"optim", {"core", "kernels"}},
    {"tasks", {"core", "kernels"}},
    {"network", {"core", "weights", "kernels", "data", "model", "optim"}},
    {"train",
     {"core", "weights", "recipe", "schedule", "kernels", "data", "dist", "model", "optim", "tasks",
      "network"}},
    {"observe", {"core"}},
    {"tuning", {"core", "recipe", "schedule", "kernels", "data", "model", "optim", "train"}},
    {"report", {"core", "recipe"}},
    {"cli",
     {"core", "front", "recipe", "kernels", "data", "dist", "network", "train", "observe", "tuning",
      "report", "weights"}},
    {"front", {"core"}},
};

// onecycle/*.h that observers may see.
const std::set<std::string> kSeenByObservers = {"events.h", "observers.h", "error.h"};

// What the loop, and all that it stands on, is told in plain numbers and never reads.
const std::set<std::string> kOfRecipes = {"onecycle/recipe.h", "onecycle/options.h",
                                          "onecycle/value.h", "recipe/yaml.h"};

// Rooms, and files of others, that make something of a recipe's words.
const std::set<std::string> kParsesValues = {"core", "recipe"};

// In train: what makes runs from recipes, and recipes' text.
const std::set<std::string> kReadsRecipes = {
    "build.cpp",           "recipe_error.h",   "recipe_error.cpp",  "recipe_options.cpp",
    "recipe_text.cpp",     "recipe_text.h",    "torch_optimizer.h", "torch_optimizer.cpp",
    "data_option_types.h", "data_options.cpp", "descriptor.cpp"};
// In tuning: what works on runs alone.
const std::set<std::string> kOnTheLoop = {
    "batch_limit.cpp",  "batch_limit.h",    "batch_lr_rule.cpp",
    "batch_probe.cpp",  "batch_search.cpp", "batch_trial.cpp",
    "fastai_rules.cpp", "overlay.cpp",      "overlay.h",
    "pooled.cpp",       "range_test.cpp",   "range_test.h",
    "rules.h",          "smith_rule.cpp",   "smoothing.cpp",
    "smoothing.h",      "sweep.cpp",        "trial.cpp",
    "trial.h"};

const fs::path kRoot = source_dir();

struct Include {
  std::string file;
  std::string folder;  // "core", "onecycle", "ATen", ...
  std::string name;
};

std::vector<Include> includes_of(const fs::path& folder) {
  const std::regex pattern(R"(^\s*#\s*include\s*["<]([^/">]+)/([^">]+)[">])");
  std::vector<Include> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path());
    std::smatch match;
    for (std::string line; std::getline(file, line);)
      if (std::regex_search(line, match, pattern))
        found.push_back({entry.path().string(), match[1], match[2]});
  }
  return found;
}

// The file, and all that it includes, by whatever way, to the path that leads there.
std::map<std::string, std::string> reached_from(const fs::path& file) {
  const std::regex pattern(R"re(^\s*#\s*include\s*"([^"]+)")re");
  std::map<std::string, std::string> paths = {{file.string(), file.filename().string()}};
  std::vector<std::string> left = {file.string()};
  while (!left.empty()) {
    const std::string from = left.back();
    left.pop_back();
    std::ifstream text(from);
    std::smatch match;
    for (std::string line; std::getline(text, line);) {
      if (!std::regex_search(line, match, pattern)) continue;
      for (const char* folder : {"include", "src"}) {
        const std::string found = (kRoot / folder / match[1].str()).string();
        if (!fs::exists(found) || paths.contains(found)) continue;
        paths[found] = paths[from] + " > " + match[1].str();
        left.push_back(found);
      }
    }
  }
  return paths;
}

// What a library's caller is told names a field; keys, files and lines are the recipe's.
void expect_no_recipe(const fs::path& file) {
  EXPECT_EQ(read_bytes(file.string()).find("RecipeError"), std::string::npos) << file;
  const auto reached = reached_from(file);
  for (const std::string& header : kOfRecipes)
    for (const char* folder : {"include", "src"}) {
      const auto path = reached.find((kRoot / folder / header).string());
      EXPECT_TRUE(path == reached.end()) << path->second;
    }
}

TEST(House, TheLoopAndItsCallersReachNoRecipe) {
  for (const char* room : {"train", "observe", "tasks", "dist", "kernels", "tuning", "data",
                           "model", "optim", "schedule", "network"})
    for (const auto& entry : fs::directory_iterator(kRoot / "src" / room)) {
      const std::string name = entry.path().filename();
      const bool reads =
          std::string(room) == "tuning" ? !kOnTheLoop.contains(name) : kReadsRecipes.contains(name);
      if (!reads) expect_no_recipe(entry.path());
    }
  for (const char* header :
       {"trainer.h",    "experiment.h",    "observers.h", "task.h",    "tasks.h",
        "range_test.h", "batch_fit.h",     "loader.h",    "source.h",  "data.h",
        "datasets.h",   "augmentations.h", "model.h",     "models.h",  "optimizer.h",
        "optimizers.h", "schedule.h",      "schedules.h", "predict.h", "predictor.h",
        "registry.h"})
    expect_no_recipe(kRoot / "include/onecycle" / header);
}

TEST(House, PredictorsReachNoTrainer) {
  for (const auto& entry : fs::directory_iterator(kRoot / "src/network"))
    for (const char* header : {"trainer.h", "build.h"})
      EXPECT_FALSE(
          reached_from(entry.path()).contains((kRoot / "include/onecycle" / header).string()))
          << entry.path() << " " << header;
}

// What a Value holds is text: whoever reads it parses it, and options are parsed in one place.
TEST(House, ValuesAreParsedWhereOptionsAreRead) {
  const std::regex parses(R"(parse_(number|integer)\([^)]*(->|\.)text\b(?!\())");
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src")) {
    const std::string room = fs::relative(entry.path(), kRoot / "src").begin()->string();
    if (!entry.is_regular_file() || kParsesValues.contains(room)) continue;
    if (kParsesValues.contains(entry.path().filename())) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);)
      EXPECT_FALSE(std::regex_search(line, parses)) << entry.path() << ": " << line;
  }
}

TEST(House, EveryRoomIsListed) {
  for (const auto& entry : fs::directory_iterator(kRoot / "src")) {
    if (!entry.is_directory()) continue;
    EXPECT_TRUE(kAllowed.contains(entry.path().filename().string())) << entry.path();
  }
}

TEST(House, RoomsIncludeOnlyRoomsAboveThem) {
  for (const auto& [room, allowed] : kAllowed) {
    const auto includes = includes_of(kRoot / "src" / room);
    EXPECT_FALSE(includes.empty()) << room;
    for (const Include& include : includes) {
      if (!kAllowed.contains(include.folder) || include.folder == room) continue;
      EXPECT_TRUE(allowed.contains(include.folder))
          << include.file << " includes " << include.folder << "/" << include.name;
    }
  }
}

TEST(House, ObserversSeeEventsAlone) {
  for (const Include& include : includes_of(kRoot / "src/observe")) {
    if (include.folder != "onecycle") continue;
    EXPECT_TRUE(kSeenByObservers.contains(include.name)) << include.file << " " << include.name;
  }
}

TEST(House, PublicHeadersIncludeNoRoomAndNoTorchHeader) {
  for (const Include& include : includes_of(kRoot / "include")) {
    EXPECT_FALSE(kAllowed.contains(include.folder)) << include.file << " " << include.name;
    EXPECT_FALSE(include.folder == "torch" && include.name == "torch.h") << include.file;
  }
}

TEST(House, KernelsAndSchedulesKnowNoATen) {
  for (const char* room : {"core", "weights", "recipe", "schedule", "kernels", "observe"})
    for (const Include& include : includes_of(kRoot / "src" / room))
      EXPECT_TRUE(include.folder != "ATen" && include.folder != "torch" && include.folder != "c10")
          << include.file << " " << include.name;
}

}  // namespace
}  // namespace onecycle::testing
