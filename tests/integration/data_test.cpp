// Fetching and packing as a user does it, from a server on this machine.

#include "core/sha256.h"
#include "support/comes_true.h"
#include "support/http_server.h"
#include "support/program.h"

#include <csignal>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace onecycle::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string idx(const std::string& sizes, const std::string& payload) {
  std::string bytes{0, 0, 8, static_cast<char>(sizes.size())};
  for (const char size : sizes) bytes += std::string{0, 0, 0, size};
  return bytes + payload;
}

class DataCommand : public ::testing::Test {
 protected:
  DataCommand() {
    ::setenv("ONECYCLE_DATASETS", folder_.path().c_str(), 1);
    ::setenv("ONECYCLE_FETCH_WAIT", "0.01", 1);
    std::string text =
        "name: tiny\nformat: {name: idx, train_images: a, train_labels: b, test_images: c, "
        "test_labels: d}\nfolders: [" +
        place_ + "]\ndownloads:\n";
    const std::map<std::string, std::string> files = {
        {"a", idx({40, 4, 4}, std::string(640, 'x'))},
        {"b", idx({40}, std::string(20, '\0') + std::string(20, '\1'))},
        {"c", idx({2, 4, 4}, std::string(32, 'y'))},
        {"d", idx({2}, std::string{0, 1})}};
    for (const auto& [name, body] : files) {
      server_.set(name, {body});
      text += "  - {file: " + name + ", urls: ['" + server_.url(name) +
              "'], sha256: " + Sha256().add(body).hex() + "}\n";
    }
    folder_.write_text("tiny.yaml", text);
    recipe_ = folder_.write_text(
        "recipe.yml",
        "data: {name: tiny, batch_size: 8}\nmodel: {name: mlp, hidden: [4]}\n"
        "schedule: {name: one_cycle, lr_max: 0.1}\ntrain: {duration: 1ep}\noutput: {dir: " +
            (folder_ / "runs") + "}\n");
  }
  ~DataCommand() override { ::unsetenv("ONECYCLE_DATASETS"); }

  TemporaryFolder folder_;
  const std::string place_ = folder_ / "place";
  HttpServer server_;
  std::string recipe_;
};

TEST_F(DataCommand, MissingDataNamesFetch) {
  const Outcome outcome = run_program({"train", recipe_});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("onecycle data fetch tiny` gets it"));
}

TEST_F(DataCommand, FetchesTrainsAndFetchesNothingTwice) {
  const Outcome fetched = run_program({"data", "fetch", "tiny", "--json"});
  ASSERT_EQ(fetched.exit_code, 0) << fetched.err;
  std::istringstream lines(fetched.out);
  int num_files = 0;
  for (std::string line; std::getline(lines, line);)
    num_files += Json::parse(line).at("event") == "file" ? 1 : 0;
  EXPECT_EQ(num_files, 4);
  EXPECT_TRUE(fs::exists(place_ + "/d"));
  EXPECT_EQ(run_program({"train", recipe_}).exit_code, 0);
  EXPECT_EQ(run_program({"data", "verify", "tiny"}).exit_code, 0);
  const Outcome again = run_program({"data", "fetch", "tiny"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.out, HasSubstr("tiny: every file is here: " + place_));
  EXPECT_EQ(server_.requests().size(), 4);
}

TEST_F(DataCommand, WhatCannotBeGotIsOneLine) {
  server_.set("b", {"something else"});
  const Outcome outcome = run_program({"data", "fetch", "tiny", "--dir", folder_ / "other", "-q"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("onecycle: b could not be downloaded ("));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_TRUE(fs::exists(folder_ / "other/a"));
  EXPECT_FALSE(fs::exists(folder_ / "other/b"));
}

TEST_F(DataCommand, InterruptedItKeepsThePart) {
  ::setenv("ONECYCLE_FETCH_WAIT", "30", 1);
  HttpServer::Page page{idx({40, 4, 4}, std::string(640, 'x'))};
  page.cut_after = 100;
  server_.set("a", page);
  Program program({"data", "fetch", "tiny"});
  const std::string part = place_ + "/a.part";
  EXPECT_TRUE(comes_true([&] { return fs::exists(part) && fs::file_size(part) == 100; }));
  ::kill(program.pid(), SIGINT);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_THAT(outcome.err, HasSubstr("keeps what has arrived"));
  EXPECT_EQ(fs::file_size(part), 100);
}

// ---- Weights -----------------------------------------------------------------------------------

class WeightsCommand : public ::testing::Test {
 protected:
  WeightsCommand() {
    server_.set("w.pth", {body_});
    descriptor_ = folder_.write_text("w.yaml", "name: w\nfolders: [" + place_ +
                                                   "]\ndownload: {file: w.pth, urls: ['" +
                                                   server_.url("w.pth") + "'], sha256: '" +
                                                   Sha256().add(body_).hex().substr(0, 8) + "'}\n");
  }
  Outcome fetch() { return run_program({"weights", "fetch", descriptor_}); }

  TemporaryFolder folder_;
  const std::string place_ = folder_ / "place", file_ = place_ + "/w.pth";
  const std::string body_ = std::string(5000, 'w');
  HttpServer server_;
  std::string descriptor_;
};

TEST_F(WeightsCommand, ListsWhatIsShipped) {
  const Outcome outcome = run_program({"weights", "list"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("resnet18-imagenet   torchvision's ResNet-18"));
}

TEST_F(WeightsCommand, GoesOnAndFetchesNothingTwice) {
  fs::create_directories(place_);
  write_bytes(file_ + ".part", body_.substr(0, 2000));
  const Outcome fetched = fetch();
  ASSERT_EQ(fetched.exit_code, 0) << fetched.err;
  EXPECT_THAT(server_.requests(), ::testing::ElementsAre("w.pth from 2000"));
  EXPECT_EQ(read_bytes(file_), body_);
  EXPECT_FALSE(fs::exists(file_ + ".part"));
  EXPECT_THAT(fetch().out, HasSubstr("there     " + file_));
  EXPECT_EQ(server_.requests().size(), 1u);
}

TEST_F(WeightsCommand, DamageIsToldInOneLine) {
  fs::create_directories(place_);
  write_bytes(file_, "half");
  const Outcome damaged = fetch();
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_THAT(damaged.err, HasSubstr(file_ + ": is there, but is not the published file"));
  const Outcome unknown = run_program({"weights", "fetch", "resnet18"});
  EXPECT_NE(unknown.exit_code, 0);
  EXPECT_THAT(unknown.err, HasSubstr("known: resnet18-imagenet, resnet34-imagenet"));
  const std::string recipe = folder_.write_text(
      "r.yaml",
      "data: {name: synthetic}\nmodel: {name: mlp, hidden: [4]}\nweights: {name: resnet81}\n"
      "schedule: {name: one_cycle, lr_max: 0.1}\n");
  EXPECT_THAT(run_program({"check", recipe}).err,
              HasSubstr("weights.name: no published weights 'resnet81'"));
}

TEST_F(DataCommand, PacksARecipesData) {
  ASSERT_EQ(run_program({"data", "fetch", "tiny"}).exit_code, 0);
  const Outcome packed = run_program({"data", "pack", folder_ / "recipe.yml", "--json"});
  ASSERT_EQ(packed.exit_code, 0) << packed.err;
  EXPECT_EQ(Json::parse(packed.last_line()).at("train"), 40);
  EXPECT_TRUE(fs::exists(place_ + "/tiny.packed"));
  EXPECT_EQ(run_program({"train", recipe_}).exit_code, 0);
  const Outcome verified = run_program({"data", "verify", "tiny"});
  EXPECT_THAT(verified.out, HasSubstr("ok        " + place_ + "/tiny.packed"));
}

}  // namespace
}  // namespace onecycle::testing
