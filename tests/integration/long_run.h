#pragma once

#include "formats/safetensors/safetensors.h"
#include "support/program.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace onecycle::testing {

constexpr const char* kLongRecipe = R"(name: long
seed: 3
data:
  format: {name: synthetic, train: 1000, test: 130}
  batch_size: 50
  validation: 100
  augment: [{pad_crop: 2}, flip]
model: {name: mlp, hidden: [16]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 40ep, log_every: 7, threads: 1}
output: {checkpoint_every: 11it}
)";

inline std::map<std::string, std::string> stored_tensors(const std::string& run) {
  std::map<std::string, std::string> result;
  const SafetensorsFile file(run + "/checkpoints/last.safetensors");
  for (const StoredTensor& tensor : file.tensors())
    result[tensor.name] = std::string(static_cast<const char*>(tensor.data), tensor.bytes);
  return result;
}

// The rows without their last `timings` columns, which are measured.
inline std::vector<std::string> rows_of(const std::string& path, int timings) {
  std::vector<std::string> rows;
  std::istringstream in(read_bytes(path));
  for (std::string row; std::getline(in, row);) {
    for (int i = 0; i < timings; ++i) row.erase(row.rfind(','));
    rows.push_back(row);
  }
  return rows;
}

inline std::vector<std::string> checkpoints_in(const std::string& run) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(run + "/checkpoints"))
    if (entry.path().filename().string().starts_with("step-")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// A run that can be interrupted, and what it leaves.
class LongRun : public ::testing::Test {
 protected:
  std::vector<std::string> train(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"train", recipe_, "--set",
                                       "output.dir=" + (folder_ / "runs")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // Once it has evaluated. `arguments` ask for --json.
  static void interrupt(const std::vector<std::string>& arguments, int signal = SIGINT) {
    Program program(arguments);
    EXPECT_TRUE(program.comes_to_say("\"evaluated\""));
    ::kill(program.pid(), signal);
    EXPECT_EQ(program.wait().exit_code, 128 + signal);
  }

  // A run that was interrupted in its middle; returns its folder.
  std::string interrupted_run(int signal = SIGINT) {
    interrupt(train({"--json", "--set", "train.duration=100000ep"}), signal);
    return folder_ / "runs/long/1";
  }

  TemporaryFolder folder_;
  std::string recipe_ = folder_.write_text("recipe.yaml", kLongRecipe);
};

}  // namespace onecycle::testing
