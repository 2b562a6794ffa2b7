// What a run may use of the processor: as the environment caps it, and bf16 where it has none.

#include "support/environment.h"
#include "support/json_lines.h"
#include "support/program.h"

#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;
using Variables = Environment::Variables;

// Nothing caps what the variables do not.
Outcome run_under(const Variables& variables, const std::vector<std::string>& arguments) {
  const Environment uncapped(
      {{"ONECYCLE_CPU", ""}, {"ONEDNN_MAX_CPU_ISA", ""}, {"DNNL_MAX_CPU_ISA", ""}});
  const Environment capped(variables);
  return run_program(arguments);
}

Json info_under(const Variables& variables) {
  const Outcome outcome = run_under(variables, {"info", "--json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return outcome.exit_code == 0 ? Json::parse(outcome.last_line()) : Json();
}

const Variables kAsAvx2 = {{"ONECYCLE_CPU", "avx2"}};

TEST(ProcessorCaps, InfoSaysThemAndWhereTheyComeFrom) {
  const Json whole = info_under({});
  EXPECT_EQ(whole["oneDNN"], whole["CPU level"]);
  EXPECT_THAT(whole["CPU level"].get<std::string>(),
              StartsWith(whole["own loops"].get<std::string>()));
  const Json own = info_under({{"ONECYCLE_CPU", "generic"}});
  EXPECT_EQ(own["CPU level"], whole["CPU level"]);
  EXPECT_EQ(own["own loops"], "generic (ONECYCLE_CPU=generic)");
  EXPECT_EQ(own["oneDNN"], whole["oneDNN"]);
  EXPECT_THAT(own["CPU bf16"].get<std::string>(), StartsWith("no: "));
  const Json both = info_under({{"ONEDNN_MAX_CPU_ISA", "sse41"}});
  EXPECT_EQ(both["own loops"], "generic (ONEDNN_MAX_CPU_ISA=sse41)");
  EXPECT_EQ(both["oneDNN"], "generic (ONEDNN_MAX_CPU_ISA=sse41)");
  const Json lower = info_under({{"ONECYCLE_CPU", "bf16"}, {"ONEDNN_MAX_CPU_ISA", "AVX2"}});
  EXPECT_THAT(lower["CPU bf16"].get<std::string>(), StartsWith("no: "));
}

TEST(ProcessorCaps, AnUnknownOneIsOneLine) {
  for (const char* command : {"info", "train"}) {
    const Outcome outcome = run_under({{"ONECYCLE_CPU", "AVX2"}}, {command, "recipe.yaml"});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.err,
              "onecycle: ONECYCLE_CPU: expected generic, avx2, avx512 or bf16, got 'AVX2'\n");
  }
}

class Bf16 : public ::testing::Test {
 protected:
  // Reading its data would fail with another exit code.
  static constexpr const char* kNoData = R"(name: narrow
data: {name: mnist, dir: /nonexistent, batch_size: 20, validation: 100}
model: {name: mlp, hidden: [8]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 1ep, device: cpu, precision: bf16}
)";
  static constexpr const char* kSmall = R"(name: small
data: {format: {name: synthetic, train: 200, test: 50}, batch_size: 20, validation: 40}
model: {name: resnet8, width: 4}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 2ep, device: cpu, threads: 1, precision: auto}
)";

  std::vector<std::string> with_output(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--set", "output.dir=" + (folder_ / "runs")});
    return arguments;
  }
  // One line, and nothing left behind.
  void expect_refused(const std::vector<std::string>& arguments,
                      const Variables& variables = kAsAvx2) const {
    const Outcome outcome = run_under(variables, arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments[0] << ": " << outcome.err;
    EXPECT_THAT(outcome.err, AllOf(StartsWith("onecycle: train.precision: bf16 is not usable here"),
                                   HasSubstr("AVX-512 BF16"),
                                   HasSubstr("; set train.precision to auto or fp32\n")));
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }

  TemporaryFolder folder_;
  std::string no_data_ = folder_.write_text("narrow.yaml", kNoData);
  std::string small_ = folder_.write_text("small.yaml", kSmall);
};

TEST_F(Bf16, IsWarnedOfByCheckWhereTheProcessorHasNone) {
  const Outcome outcome = run_under(kAsAvx2, {"check", no_data_});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, no_data_ + ": ok\n");
  EXPECT_THAT(outcome.err, StartsWith("warning: " + no_data_ +
                                      ": train.precision: bf16 would not train here: "));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  const std::string searched = folder_.write_text(
      "searched.yaml",
      std::string(kSmall) + "search: {method: grid, space: {train.precision: [fp32, bf16]}}\n");
  const Outcome search = run_under(kAsAvx2, {"check", searched});
  EXPECT_EQ(search.exit_code, 0) << search.err;
  EXPECT_THAT(search.err, HasSubstr("bf16 would not train here"));
  EXPECT_EQ(run_under(kAsAvx2, {"check", small_}).err, "");
}

TEST_F(Bf16, IsRefusedByEveryCommandThatWouldTrainBeforeDataIsRead) {
  const std::string space = folder_.write_text(
      "space.yaml", "search: {method: grid, space: {schedule.lr_max: [0.1, 0.2]}}");
  for (const auto& arguments : {std::vector<std::string>{"train", no_data_},
                                {"train", no_data_, "--seeds", "2"},
                                {"train", no_data_, "--ranks", "2"},
                                {"train", no_data_, "--set", "data.batch_size=auto"},
                                {"range-test", no_data_},
                                {"tune", no_data_},
                                {"fit-batch", no_data_},
                                {"search", no_data_, "--space", space}})
    expect_refused(with_output(arguments));
  expect_refused(with_output({"train", no_data_}), {{"ONEDNN_MAX_CPU_ISA", "AVX2"}});
  const std::string precisions = folder_.write_text(
      "precisions.yaml", "search: {method: grid, space: {train.precision: [fp32, bf16]}}");
  expect_refused(
      with_output({"search", no_data_, "--space", precisions, "--set", "train.precision=fp32"}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
}

TEST_F(Bf16, IsNotWhatAutoTakesThere) {
  const Outcome outcome = run_under(kAsAvx2, with_output({"train", small_, "--dry-run"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("fp32, channels last"), Not(HasSubstr("bf16"))));
}

TEST_F(Bf16, OfARunMadeElsewhereIsEvaluatedInFp32AndTrainedOnInIt) {
  const bool has_bf16 = info_under({})["CPU bf16"].get<std::string>().starts_with("yes");
  const std::string precision = std::string("train.precision=") + (has_bf16 ? "bf16" : "fp32");
  const Outcome made = run_under({}, with_output({"train", small_, "--set", precision}));
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string run = folder_ / "runs/small/1";
  const Outcome evaluated = run_under(kAsAvx2, {"eval", run, "--no-report", "--json"});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  EXPECT_EQ(Json::parse(evaluated.last_line())["samples"], 50);
  expect_refused({"eval", run, "--no-report", "--precision", "bf16"});
  const std::vector<std::string> longer = {
      "train", "--resume", run, "--set", "train.duration=3ep", "--extend", "hold", "--set"};
  const auto resumed = [&](const std::string& setting) {
    auto arguments = longer;
    arguments.push_back(setting);
    return arguments;
  };
  expect_refused(resumed("train.precision=bf16"));
  const Outcome on = run_under(kAsAvx2, resumed("train.precision=fp32"));
  EXPECT_EQ(on.exit_code, 0) << on.err;
}

}  // namespace
}  // namespace onecycle::testing
