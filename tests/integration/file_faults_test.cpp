// Disks that are full, files that a kill left behind, files that change under a run.

#include "integration/long_run.h"
#include "support/comes_true.h"
#include "support/file_size_limit.h"
#include "support/program.h"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/mount.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

using Files = LongRun;

TEST_F(Files, AFullDiskIsAWarningUntilTheEnd) {
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

// Commas that are not part of a cell's text.
std::int64_t cells_in(const std::string& row) {
  bool quoted = false;
  std::int64_t cells = 1;
  for (const char c : row) {
    quoted ^= c == '"';
    cells += c == ',' && !quoted ? 1 : 0;
  }
  return cells;
}

// All rows have as many cells as the first.
void expect_whole_rows(const std::string& path) {
  std::istringstream in(read_bytes(path));
  std::string header;
  std::getline(in, header);
  for (std::string row; std::getline(in, row);)
    EXPECT_EQ(cells_in(row), cells_in(header)) << path << ": " << row;
}

TEST_F(Files, RowsThatDoNotFitTheDiskAreLostAndTrainingGoesOn) {
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

TEST_F(Files, ADiskThatIsFullForAWhileCostsRowsAlone) {
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
    const auto fill = [&] {
      std::ofstream filler(disk + "/filler", std::ios::app);
      while (filler << std::string(512, 'x') && filler.flush()) {
      }
    };
    EXPECT_TRUE(program.comes_to_say("\"checkpoint\""));
    EXPECT_TRUE(comes_true([&] {
      fill();
      const std::string err = program.err_so_far();
      return err.find("steps.csv: a line could not be written") != std::string::npos &&
             err.find("this checkpoint was not saved") != std::string::npos;
    }));
    const auto rows = rows_of(run + "/metrics.csv", 2).size();
    std::filesystem::remove(disk + "/filler");
    EXPECT_TRUE(comes_true([&] { return rows_of(run + "/metrics.csv", 2).size() > rows + 1; }));
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

TEST_F(Files, NamesThatAKillLeftBehindAreMended) {
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

TEST_F(Files, WhatAKilledSaveLeftGoes) {
  ASSERT_EQ(run_program(train({"--set", "train.duration=1ep"})).exit_code, 0);
  const std::string run = folder_ / "runs/long/1";
  const std::vector<std::string> left = {
      run + "/checkpoints/step-00000011.safetensors.4194305.part",
      run + "/checkpoints/last.safetensors.4194305.part", run + "/recipe.yaml.4194305.part"};
  for (const std::string& part : left) write_bytes(part, "half");
  ASSERT_EQ(run_program({"train", "--resume", run}).exit_code, 0);
  for (const std::string& part : left) EXPECT_FALSE(std::filesystem::exists(part)) << part;
}

TEST_F(Files, ATornEventIsNotGluedToTheNext) {
  const std::string run = interrupted_run();
  const std::string events = read_bytes(run + "/events.csv");
  write_bytes(run + "/events.csv", events + "2026-01-01T00:00:00Z,1,0.1,chec");
  interrupt({"train", "--resume", run, "--json"});
  expect_whole_rows(run + "/events.csv");
}

TEST_F(Files, ATornRowOfARunThatIsOverIsCutOff) {
  ASSERT_EQ(run_program(train({"--set", "train.duration=1ep"})).exit_code, 0);
  const std::string run = folder_ / "runs/long/1";
  for (const char* name : {"/steps.csv", "/metrics.csv", "/events.csv"}) {
    const std::string whole = read_bytes(run + name);
    write_bytes(run + name, whole + "7,0.1,");
    EXPECT_EQ(run_program({"train", "--resume", run}).exit_code, 0);
    EXPECT_EQ(read_bytes(run + name), whole);
  }
}

TEST_F(Files, APackedFileThatIsCutShortIsNamed) {
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
  EXPECT_TRUE(program.comes_to_say("\"log\""));
  std::filesystem::resize_file(path, 8192);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("onecycle: " + path + ": was c"));
}

}  // namespace
}  // namespace onecycle::testing
