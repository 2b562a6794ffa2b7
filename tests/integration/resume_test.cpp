// Runs that are killed, damaged, refused and gone on with, as a user sees them.

#include "core/rng.h"
#include "core/safetensors.h"
#include "support/file_size_limit.h"
#include "support/program.h"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/mount.h>
#include <thread>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr const char* kRecipe = R"(name: long
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

std::map<std::string, std::string> stored_tensors(const std::string& run) {
  std::map<std::string, std::string> result;
  const SafetensorsFile file(run + "/checkpoints/last.safetensors");
  for (const StoredTensor& tensor : file.tensors())
    result[tensor.name] = std::string(static_cast<const char*>(tensor.data), tensor.bytes);
  return result;
}

// The rows without their last `timings` columns, which are measured.
std::vector<std::string> rows_of(const std::string& path, int timings) {
  std::vector<std::string> rows;
  std::istringstream in(read_bytes(path));
  for (std::string row; std::getline(in, row);) {
    for (int i = 0; i < timings; ++i) row.erase(row.rfind(','));
    rows.push_back(row);
  }
  return rows;
}

std::vector<std::string> checkpoints_in(const std::string& run) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(run + "/checkpoints"))
    if (entry.path().filename().string().starts_with("step-")) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

class Resume : public ::testing::Test {
 protected:
  std::vector<std::string> train(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"train", recipe_, "--set",
                                       "output.dir=" + (folder_ / "runs")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // A run that was interrupted in its middle; returns its folder.
  std::string interrupted_run(int signal = SIGINT) {
    Program program(train({"--json", "--set", "train.duration=100000ep"}));
    for (int i = 0; i < 600 && program.out_so_far().find("\"evaluated\"") == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::kill(program.pid(), signal);
    EXPECT_EQ(program.wait().exit_code, 128 + signal);
    return folder_ / "runs/long/1";
  }

  TemporaryFolder folder_;
  std::string recipe_ = folder_.write_text("recipe.yaml", kRecipe);
};

TEST_F(Resume, KilledAtAnyMomentItEndsAsIfItHadNotBeen) {
  ASSERT_EQ(run_program(train()).exit_code, 0);
  const std::string whole = folder_ / "runs/long/1";
  const std::string parts = folder_ / "runs/long/2";
  constexpr int kKills = 12;
  std::vector<std::string> arguments = train();
  for (int kill = 0; kill < kKills; ++kill) {
    Program program(arguments);
    const auto words = random_words(7, RandomUse::order, 0, static_cast<std::uint64_t>(kill));
    std::this_thread::sleep_for(std::chrono::milliseconds(250 + bounded(words.word[0], 400)));
    ::kill(program.pid(), SIGKILL);
    program.wait();
    if (std::filesystem::exists(parts)) arguments = {"train", "--resume", parts};
  }
  const Outcome last = run_program({"train", "--resume", parts});
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(stored_tensors(whole), stored_tensors(parts));
  EXPECT_EQ(rows_of(whole + "/steps.csv", 1), rows_of(parts + "/steps.csv", 1));
  EXPECT_EQ(rows_of(whole + "/metrics.csv", 2), rows_of(parts + "/metrics.csv", 2));
}

TEST_F(Resume, DamagedCheckpointsAreWarnedOfAndPassedOver) {
  const std::string run = interrupted_run();
  const auto files = checkpoints_in(run);
  ASSERT_EQ(files.size(), 2U);
  const std::string whole = read_bytes(files[1]);
  std::string flipped = whole;
  flipped[flipped.size() - 5] ^= 4;
  for (const std::string& damaged : {whole.substr(0, whole.size() / 2), flipped}) {
    write_bytes(files[1], damaged);
    const Outcome outcome =
        run_program({"train", "--resume", run, "--dry-run", "--set", "train.log_every=7"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("warning: " + files[1]),
                                   HasSubstr("the checkpoint before it is used")));
  }
  write_bytes(files[0], "nothing");
  const Outcome hopeless = run_program({"train", "--resume", run});
  EXPECT_EQ(hopeless.exit_code, 1);
  EXPECT_THAT(hopeless.err, HasSubstr("none of its 2 checkpoints is sound"));
}

TEST_F(Resume, OfAnotherModelIsOneClearLine) {
  const std::string run = interrupted_run(SIGTERM);
  const Outcome outcome = run_program({"train", "--resume", run, "--set", "model.hidden=[17]"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("weights of another model"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
}

TEST_F(Resume, AnotherLengthAsksHow) {
  ASSERT_EQ(run_program(train({"--set", "train.duration=2ep"})).exit_code, 0);
  const std::string run = folder_ / "runs/long/1";
  const std::vector<std::string> longer = {"train", "--resume", run, "--set", "train.duration=3ep"};
  const Outcome asked = run_program(longer);
  EXPECT_EQ(asked.exit_code, 2);
  EXPECT_THAT(asked.err, AllOf(HasSubstr("train.duration"), HasSubstr("stretch"), HasSubstr("hold"),
                               HasSubstr("new-cycle")));
  EXPECT_EQ(run_program({"train", "--resume", run}).exit_code, 0) << "nothing to do";
  auto held = longer;
  held.insert(held.end(), {"--extend", "hold"});
  ASSERT_EQ(run_program(held).exit_code, 0);
  const auto rows = rows_of(run + "/metrics.csv", 2);
  ASSERT_EQ(rows.size(), 4U);
  const auto lr_of = [](const std::string& row) {
    std::istringstream in(row);
    std::string cell;
    for (int i = 0; i < 3; ++i) std::getline(in, cell, ',');
    return cell;
  };
  EXPECT_EQ(lr_of(rows[2]), lr_of(rows[3]));
  EXPECT_EQ(run_program({"train", "--resume", run, "--extend", "hold"}).exit_code, 2);
  const Outcome batch = run_program({"train", "--resume", run, "--set", "data.batch_size=100"});
  EXPECT_EQ(batch.exit_code, 2);
  EXPECT_THAT(batch.err, HasSubstr("keeps its total batch of 50"));
}

TEST_F(Resume, WhatCannotBeResumedSaysSo) {
  const Outcome none = run_program(train({"--resume"}));
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("holds no run to resume"));
  std::filesystem::create_directory(folder_ / "empty");
  const Outcome folder = run_program({"train", "--resume", folder_ / "empty"});
  EXPECT_EQ(folder.exit_code, 2);
  EXPECT_THAT(folder.err, HasSubstr("holds no recipe.yaml"));
  EXPECT_EQ(run_program(train({"--extend", "hold"})).exit_code, 2);
}

TEST_F(Resume, ARunBelongsToOneProcess) {
  Program first(train({"--json", "--set", "train.duration=100000ep"}));
  for (int i = 0; i < 600 && first.out_so_far().find("\"evaluated\"") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const Outcome second = run_program({"train", "--resume", folder_ / "runs/long/1"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("another process is training this run"));
  ::kill(first.pid(), SIGTERM);
  EXPECT_EQ(first.wait().exit_code, 143);
}

TEST_F(Resume, Sigusr1SavesAndGoesOn) {
  Program program(
      train({"--json", "--set", "train.duration=100000ep", "--set",
             "output.checkpoint_every=100000ep", "--set", "train.evaluate_every=100000ep"}));
  const auto wait_for = [&](const char* text) {
    for (int i = 0; i < 600 && program.out_so_far().find(text) == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  };
  wait_for("\"log\"");
  EXPECT_EQ(program.out_so_far().find("\"checkpoint\""), std::string::npos);
  ::kill(program.pid(), SIGUSR1);
  wait_for("\"checkpoint\"");
  EXPECT_EQ(checkpoints_in(folder_ / "runs/long/1").size(), 1U);
  ::kill(program.pid(), SIGINT);
  EXPECT_EQ(program.wait().exit_code, 130);
}

TEST_F(Resume, AFullDiskIsAWarningUntilTheEnd) {
  // CSVs fit, checkpoints do not.
  Outcome outcome;
  {
    const FileSizeLimit full(20000);
    outcome =
        run_program(train({"--set", "train.duration=2ep", "--set", "output.checkpoint_every=1ep"}));
  }
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("this checkpoint was not saved"));
  EXPECT_EQ(outcome.out.find("warning"), outcome.out.rfind("warning")) << outcome.out;
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("step-00000036.safetensors"), HasSubstr("File too large")));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_TRUE(checkpoints_in(folder_ / "runs/long/1").empty()) << "nothing half written is left";
}

// All rows have as many cells as the first.
void expect_whole_rows(const std::string& path) {
  std::istringstream in(read_bytes(path));
  std::string header;
  std::getline(in, header);
  const auto cells = std::count(header.begin(), header.end(), ',');
  for (std::string row; std::getline(in, row);)
    EXPECT_EQ(std::count(row.begin(), row.end(), ','), cells) << path << ": " << row;
}

TEST_F(Resume, RowsThatDoNotFitTheDiskAreLostAndTrainingGoesOn) {
  std::vector<std::string> arguments =
      train({"--set", "train.duration=20ep", "--set", "train.log_every=1"});
  Outcome outcome;
  {
    const FileSizeLimit full(20000);
    outcome = run_program(arguments);
  }
  const std::string run = folder_ / "runs/long/1";
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(rows_of(run + "/metrics.csv", 2).size(), 21U) << "trained to its end";
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("steps.csv: a line could not be written"),
                                 HasSubstr(" lines could not be written and are lost"),
                                 HasSubstr("onecycle: the last weights were not saved: "),
                                 HasSubstr("File too large")));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 3) << outcome.err;
  for (const char* file : {"steps.csv", "metrics.csv", "events.csv"})
    expect_whole_rows(run + "/" + file);
}

TEST_F(Resume, ADiskThatIsFullForAWhileCostsRowsAlone) {
  const std::string disk = folder_ / "disk";
  std::filesystem::create_directory(disk);
  if (::mount("onecycle-test", disk.c_str(), "tmpfs", 0, "size=4m") != 0)
    GTEST_SKIP() << "no right to mount a small file system";
  std::vector<std::string> arguments = {"train",
                                        recipe_,
                                        "--json",
                                        "--set",
                                        "output.dir=" + disk + "/runs",
                                        "--set",
                                        "train.duration=100000ep",
                                        "--set",
                                        "train.log_every=1"};
  const std::string run = disk + "/runs/long/1";
  {
    Program program(arguments);
    const auto wait_for = [&](const auto& is_so) {
      for (int i = 0; i < 1200 && !is_so(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    };
    const auto fill = [&] {
      std::ofstream filler(disk + "/filler", std::ios::app);
      while (filler << std::string(512, 'x') && filler.flush()) {
      }
    };
    wait_for([&] { return program.out_so_far().find("\"checkpoint\"") != std::string::npos; });
    wait_for([&] {
      fill();
      const std::string err = program.err_so_far();
      return err.find("steps.csv: a line could not be written") != std::string::npos &&
             err.find("this checkpoint was not saved") != std::string::npos;
    });
    const auto rows = rows_of(run + "/metrics.csv", 2).size();
    std::filesystem::remove(disk + "/filler");
    wait_for([&] { return rows_of(run + "/metrics.csv", 2).size() > rows + 1; });
    ::kill(program.pid(), SIGTERM);
    const Outcome outcome = program.wait();
    EXPECT_EQ(outcome.exit_code, 143) << outcome.err;
  }
  for (const char* file : {"steps.csv", "metrics.csv", "events.csv"})
    expect_whole_rows(run + "/" + file);
  EXPECT_EQ(run_program({"train", "--resume", run, "--dry-run"}).err, "");
  EXPECT_EQ(::umount2(disk.c_str(), MNT_DETACH), 0);
}

// Whether both are names of one file.
bool are_one(const std::string& a, const std::string& b) {
  return std::filesystem::equivalent(a, b);
}

TEST_F(Resume, NamesThatAKillLeftBehindAreMended) {
  ASSERT_EQ(
      run_program(train({"--set", "train.duration=3ep", "--set", "stop.monitor=loss"})).exit_code,
      0);
  const std::string run = folder_ / "runs/long/1";
  const std::string last = run + "/checkpoints/last.safetensors";
  const std::string best = run + "/checkpoints/best.safetensors";
  const auto files = checkpoints_in(run);
  ASSERT_EQ(files.size(), 2U);
  ASSERT_TRUE(are_one(files[1], last));
  ASSERT_TRUE(are_one(files[1], best)) << "the test needs a run that gets better to its end";
  const auto evaluated = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"eval"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.emplace_back("--json");
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Json::parse(outcome.last_line())["loss"];
  };
  const Json loss = evaluated({run, "--weights", files[1]});
  EXPECT_NE(evaluated({run, "--weights", files[0]}), loss);
  const auto leave_behind = [&] {
    for (const std::string& name : {last, best}) {
      std::filesystem::remove(name);
      std::filesystem::create_hard_link(files[0], name);
    }
  };
  leave_behind();
  EXPECT_EQ(evaluated({run}), loss);
  for (const std::string& what : {run, files[1]})
    ASSERT_EQ(run_program({"export", what, "--to", folder_ / (what == run ? "a.pth" : "b.pth")})
                  .exit_code,
              0);
  EXPECT_EQ(read_bytes(folder_ / "a.pth"), read_bytes(folder_ / "b.pth"));
  const Outcome resumed = run_program({"train", "--resume", run});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("is trained to its end"));
  EXPECT_TRUE(are_one(files[1], last));
  EXPECT_TRUE(are_one(files[1], best));
}

TEST_F(Resume, WhatAKilledSaveLeftGoes) {
  ASSERT_EQ(run_program(train({"--set", "train.duration=1ep"})).exit_code, 0);
  const std::string run = folder_ / "runs/long/1";
  const std::vector<std::string> left = {
      run + "/checkpoints/step-00000011.safetensors.4194305.part",
      run + "/checkpoints/last.safetensors.4194305.part", run + "/recipe.yaml.4194305.part"};
  for (const std::string& part : left) write_bytes(part, "half");
  ASSERT_EQ(run_program({"train", "--resume", run}).exit_code, 0);
  for (const std::string& part : left) EXPECT_FALSE(std::filesystem::exists(part)) << part;
}

TEST_F(Resume, ATornEventIsNotGluedToTheNext) {
  const std::string run = interrupted_run();
  const std::string events = read_bytes(run + "/events.csv");
  write_bytes(run + "/events.csv", events + "2026-01-01T00:00:00Z,1,0.1,chec");
  ASSERT_EQ(run_program(
                {"train", "--resume", run, "--set", "train.duration=1000ep", "--extend", "stretch"})
                .exit_code,
            0);
  expect_whole_rows(run + "/events.csv");
}

TEST_F(Resume, APackedFileThatIsCutShortIsNamed) {
  // Without a split, so that the images stay where they are mapped.
  constexpr std::int64_t kImages = 4000;
  const std::string pixels(kImages * 28 * 28, 'x');
  std::vector<std::int64_t> labels(kImages);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i % 2);
  const std::string path = folder_ / "images.packed";
  write_safetensors(path,
                    {{"train.images", "U8", {kImages, 1, 28, 28}, pixels.data(), pixels.size()},
                     {"train.labels", "I64", {kImages}, labels.data(), labels.size() * 8}},
                    {{"format", "onecycle"}, {"classes", R"(["a","b"])"}});
  const std::string recipe = folder_.write_text(
      "packed.yaml", "name: packed\ndata: {format: {name: packed, file: " + path +
                         "}, batch_size: 50, validation: 0}\nmodel: {name: mlp, hidden: [16]}\n"
                         "schedule: {name: one_cycle, lr_max: 0.1}\n"
                         "train: {duration: 100000ep, threads: 1}\n");
  Program program({"train", recipe, "--json", "--set", "output.dir=" + (folder_ / "runs")});
  for (int i = 0; i < 600 && program.out_so_far().find("\"log\"") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::filesystem::resize_file(path, 8192);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("onecycle: " + path + ": was c"));
}

TEST_F(Resume, AReadOnlyFolderIsOneClearLine) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const std::string run = interrupted_run();
  std::filesystem::permissions(
      run, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const Outcome outcome = run_program({"train", "--resume", run});
  std::filesystem::permissions(run, std::filesystem::perms::owner_all);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("cannot be written to"));
}

TEST_F(Resume, NanEndsWithExitCode3OrRecovers) {
  const std::vector<std::string> blown = {"--set", "schedule={name: constant, lr: 1e12}", "--set",
                                          "train.duration=2ep"};
  EXPECT_EQ(run_program(train(blown)).exit_code, 3);
  auto recovering = blown;
  recovering.insert(recovering.end(),
                    {"--set", "stop.on_divergence={lr_scale: 1e-13, retries: 1}", "--json"});
  const Outcome outcome = run_program(train(recovering));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("\"event\":\"fell_back\""));
  EXPECT_THAT(outcome.err, HasSubstr("fell_back: "));
  const std::string run = folder_ / "runs/long/2";
  EXPECT_THAT(read_bytes(run + "/events.csv"), HasSubstr(",fell_back,"));
  EXPECT_THAT(rows_of(run + "/metrics.csv", 2).back(), Not(HasSubstr(",1,")));
}

TEST_F(Resume, SeedsPrintMeanAndSpread) {
  const std::vector<std::string> three = {"--seeds", "3", "--json", "--set", "train.duration=2ep"};
  const Outcome outcome = run_program(train(three));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json last = Json::parse(outcome.last_line());
  EXPECT_EQ(last["event"], "seeds");
  EXPECT_EQ(last["runs"], 3);
  const auto values = last["test_accuracy"]["values"].get<std::vector<double>>();
  ASSERT_EQ(values.size(), 3U);
  EXPECT_NEAR(last["test_accuracy"]["mean"], (values[0] + values[1] + values[2]) / 3, 1e-12);
  auto again = train(three);
  again.push_back("--resume");
  const Outcome counted = run_program(again);
  EXPECT_EQ(Json::parse(counted.last_line())["test_accuracy"], last["test_accuracy"]);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/long/4"))
      << "finished runs are not repeated";
}

}  // namespace
}  // namespace onecycle::testing
