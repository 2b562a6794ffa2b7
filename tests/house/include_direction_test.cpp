// Dependencies point one way (src/README.md): every include of every room is held against its list.

#include "support/places.h"

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
    {"train",
     {"core", "weights", "recipe", "schedule", "kernels", "data", "dist", "model", "optim"}},
    {"observe", {"core"}},
    {"tuning", {"core", "recipe", "schedule", "kernels", "data", "model", "optim", "train"}},
    {"report", {"core", "recipe"}},
    {"cli",
     {"core", "front", "recipe", "kernels", "data", "dist", "train", "observe", "tuning", "report",
      "weights"}},
    {"front", {"core"}},
};

// onecycle/*.h that observers may see.
const std::set<std::string> kSeenByObservers = {"events.h", "error.h"};

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

const fs::path kRoot = source_dir();

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
    for (const Include& include : includes_of(kRoot / "src" / room)) {
      // The one bridge from ATen's current stream to the kernels' callers.
      if (include.file.ends_with("kernels/current_stream.h")) continue;
      EXPECT_TRUE(include.folder != "ATen" && include.folder != "torch" && include.folder != "c10")
          << include.file << " " << include.name;
    }
}

}  // namespace
}  // namespace onecycle::testing
