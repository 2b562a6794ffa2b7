// Dependencies point one way (src/README.md): every include of every module is held against its
// list.

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

// What a module may include beside itself and onecycle/*.h.
const std::map<std::string, std::set<std::string>> kAllowed = {
    {"core", {}},
    {"options", {"core"}},
    {"yaml", {"core", "options"}},
    {"formats", {"core", "options"}},
    {"kernels", {"core"}},
    {"schedule", {"core", "options"}},
    {"nn", {"core", "kernels"}},
    {"data", {"core", "options", "formats", "kernels"}},
    {"dist", {"core"}},
    {"optim", {"core", "options", "kernels"}},
    {"tasks", {"core", "options", "kernels"}},
    {"models", {"core", "options", "nn"}},
    {"network", {"core", "options", "formats", "kernels", "data", "optim", "models"}},
    {"train",
     {"core", "formats", "kernels", "schedule", "nn", "data", "dist", "optim", "tasks", "models",
      "network"}},
    {"observe", {"core"}},
    {"tuning", {"core", "kernels", "schedule", "nn", "network", "train"}},
    {"recipe",
     {"core", "options", "yaml", "formats", "schedule", "nn", "data", "optim", "tasks", "models",
      "network", "train"}},
    {"study", {"core", "options", "yaml", "train", "tuning", "recipe"}},
    {"report", {"core", "options", "yaml"}},
    {"front", {"core"}},
    {"cli",
     {"core", "front", "options", "yaml", "formats", "kernels", "data", "dist", "network", "train",
      "observe", "tuning", "recipe", "study", "report"}},
};

// onecycle/*.h that observers may see.
const std::set<std::string> kSeenByObservers = {"events.h", "observers.h", "error.h"};

// What the loop, and all that it stands on, is told in plain numbers and never reads.
const std::set<std::string> kOfRecipes = {"onecycle/recipe.h", "onecycle/options.h",
                                          "onecycle/value.h", "yaml/yaml.h"};

// Modules that make something of a recipe's words.
const std::set<std::string> kParsesValues = {"options", "yaml"};

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

TEST(Architecture, TheLoopAndItsCallersReachNoRecipe) {
  for (const char* module : {"kernels", "schedule", "nn", "data", "dist", "optim", "tasks",
                             "models", "network", "train", "observe", "tuning"})
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src" / module))
      if (entry.is_regular_file()) expect_no_recipe(entry.path());
  for (const char* header :
       {"trainer.h",    "experiment.h",    "observers.h", "task.h",    "tasks.h",
        "range_test.h", "batch_fit.h",     "loader.h",    "source.h",  "data.h",
        "datasets.h",   "augmentations.h", "model.h",     "models.h",  "optimizer.h",
        "optimizers.h", "schedule.h",      "schedules.h", "predict.h", "predictor.h",
        "registry.h",   "distributed.h",   "group.h",     "weights.h"})
    expect_no_recipe(kRoot / "include/onecycle" / header);
}

TEST(Architecture, PredictorsReachNoTrainer) {
  for (const auto& entry : fs::directory_iterator(kRoot / "src/network"))
    for (const char* header : {"trainer.h", "build.h"})
      EXPECT_FALSE(
          reached_from(entry.path()).contains((kRoot / "include/onecycle" / header).string()))
          << entry.path() << " " << header;
}

// What a Value holds is text: whoever reads it parses it, and options are parsed in one place.
TEST(Architecture, ValuesAreParsedWhereOptionsAreRead) {
  const std::regex parses(R"(parse_(number|integer)\([^)]*(->|\.)text\b(?!\())");
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "src")) {
    const std::string module = fs::relative(entry.path(), kRoot / "src").begin()->string();
    if (!entry.is_regular_file() || kParsesValues.contains(module)) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);)
      EXPECT_FALSE(std::regex_search(line, parses)) << entry.path() << ": " << line;
  }
}

TEST(Architecture, EveryModuleIsListed) {
  for (const auto& entry : fs::directory_iterator(kRoot / "src")) {
    if (!entry.is_directory()) continue;
    EXPECT_TRUE(kAllowed.contains(entry.path().filename().string())) << entry.path();
  }
}

TEST(Architecture, ModulesIncludeOnlyModulesBelowThem) {
  for (const auto& [module, allowed] : kAllowed) {
    const auto includes = includes_of(kRoot / "src" / module);
    EXPECT_FALSE(includes.empty()) << module;
    for (const Include& include : includes) {
      if (!kAllowed.contains(include.folder) || include.folder == module) continue;
      EXPECT_TRUE(allowed.contains(include.folder))
          << include.file << " includes " << include.folder << "/" << include.name;
    }
  }
}

TEST(Architecture, ObserversSeeEventsAlone) {
  for (const Include& include : includes_of(kRoot / "src/observe")) {
    if (include.folder != "onecycle") continue;
    EXPECT_TRUE(kSeenByObservers.contains(include.name)) << include.file << " " << include.name;
  }
}

TEST(Architecture, PublicHeadersIncludeNoModuleAndNoTorchHeader) {
  for (const Include& include : includes_of(kRoot / "include")) {
    EXPECT_FALSE(kAllowed.contains(include.folder)) << include.file << " " << include.name;
    EXPECT_FALSE(include.folder == "torch" && include.name == "torch.h") << include.file;
  }
}

TEST(Architecture, KernelsAndSchedulesKnowNoATen) {
  for (const char* module :
       {"core", "options", "yaml", "formats", "schedule", "kernels", "observe", "report"})
    for (const Include& include : includes_of(kRoot / "src" / module))
      EXPECT_TRUE(include.folder != "ATen" && include.folder != "torch" && include.folder != "c10")
          << include.file << " " << include.name;
}

}  // namespace
}  // namespace onecycle::testing
