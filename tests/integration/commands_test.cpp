// The commands as a user runs them, on data that needs no files.

#include "formats/safetensors/safetensors.h"
#include "support/json_lines.h"
#include "support/places.h"
#include "support/program.h"

#include <csignal>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kRecipe = R"(name: small
seed: 3
data: {format: {name: synthetic, train: 1000, test: 130}, batch_size: 50, validation: 100}
model: {name: mlp, hidden: [16]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 3ep, log_every: 5}
)";

int num_lines(const std::string& path) {
  const std::string text = read_bytes(path);
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

// The bytes of every tensor in the run's last checkpoint, by name.
std::map<std::string, std::string> stored_tensors(const std::string& run) {
  std::map<std::string, std::string> result;
  const SafetensorsFile file(run + "/checkpoints/last.safetensors");
  for (const StoredTensor& tensor : file.tensors())
    result[tensor.name] = std::string(static_cast<const char*>(tensor.data), tensor.bytes);
  return result;
}

class Commands : public ::testing::Test {
 protected:
  std::vector<std::string> train(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"train", recipe_, "--set",
                                       "output.dir=" + (folder_ / "runs")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  TemporaryFolder folder_;
  std::string recipe_ = folder_.write_text("recipe.yaml", kRecipe);
};

TEST_F(Commands, ProfilesSomeStepsOfARun) {
  const Outcome outcome = run_program(train({"--profile=3"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("3 steps after 10;"));
  EXPECT_THAT(outcome.out, HasSubstr("onecycle::backward"));
  EXPECT_TRUE(
      Json::parse(read_bytes(folder_ / "runs/small/1/profile.json")).contains("traceEvents"));
  const Outcome bad = run_program(train({"--profile=none"}));
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("--profile: expected a number of steps, at least 1"));
}

TEST_F(Commands, TrainingEndsWithOneJsonLineOfItsResult) {
  const Outcome outcome = run_program(train({"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto lines = json_lines(outcome.out);
  EXPECT_EQ(lines.front()["event"], "started");
  EXPECT_EQ(lines.front()["steps_per_epoch"], 18);
  const Json& last = lines.back();
  EXPECT_EQ(last["event"], "finished");
  EXPECT_EQ(last["stop_reason"], "finished");
  EXPECT_EQ(last["run_dir"], folder_ / "runs/small/1");
  for (const char* key : {"train_loss", "test_loss", "test_accuracy"})
    EXPECT_TRUE(last[key].is_number()) << key;
}

TEST_F(Commands, TheRunFolderHoldsWhatEvalNeeds) {
  const Outcome outcome = run_program(train({"--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string run = folder_ / "runs/small/1";
  EXPECT_EQ(num_lines(run + "/metrics.csv"), 1 + 3);
  EXPECT_EQ(num_lines(run + "/steps.csv"), 1 + 13)
      << "10 of 54 steps, and the end of each of 3 epochs";
  const Outcome evaluated = run_program({"eval", run, "--json"});
  ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const Json result = json_lines(evaluated.out).back();
  const Json trained = json_lines(outcome.out).back();
  EXPECT_EQ(result["event"], "evaluated");
  EXPECT_EQ(result["split"], "test");
  EXPECT_EQ(result["samples"], 130);
  EXPECT_NEAR(result["loss"].get<double>(), trained["test_loss"].get<double>(), 1e-6);
  EXPECT_EQ(result["accuracy"], trained["test_accuracy"]);
}

TEST_F(Commands, QuietSaysTheResultAlone) {
  const std::string run = folder_ / "runs/small/1";
  const Outcome trained = run_program(train({"-q"}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(std::count(trained.out.begin(), trained.out.end(), '\n'), 1) << trained.out;
  EXPECT_THAT(trained.out, AllOf(HasSubstr("validation accuracy "), HasSubstr("test accuracy "),
                                 HasSubstr("weights in " + run)));
  const Outcome evaluated = run_program({"eval", run, "-q"});
  EXPECT_EQ(std::count(evaluated.out.begin(), evaluated.out.end(), '\n'), 1) << evaluated.out;
  EXPECT_THAT(evaluated.out, HasSubstr("test of synthetic: loss "));
  const Outcome as_json = run_program({"eval", run, "-q", "--json"});
  EXPECT_EQ(as_json.err, "") << "the result is told once";
}

TEST_F(Commands, EvalSaysWhichWeightsItRead) {
  ASSERT_EQ(run_program(train({"-q", "--set", "train.ema_decay=0.9"})).exit_code, 0);
  const std::string run = folder_ / "runs/small/1";
  EXPECT_THAT(run_program({"eval", run}).out,
              AllOf(HasSubstr("weights     " + run),
                    HasSubstr(", step 54 (onecycle, averaged over the run): 4 tensors loaded")));
  EXPECT_THAT(run_program({"eval", run, "--raw"}).out,
              HasSubstr(", step 54 (onecycle, as the last step left them): 4 tensors loaded"));
}

TEST_F(Commands, WeightsGoOutAndIn) {
  ASSERT_EQ(run_program(train()).exit_code, 0);
  const std::string run = folder_ / "runs/small/1";
  const Json expected = json_lines(run_program({"eval", run, "--json"}).out).back();
  for (const std::string name : {"out.pth", "out.safetensors"}) {
    const std::string file = folder_ / name;
    const Outcome exported = run_program({"export", run, "--to", file, "--json"});
    ASSERT_EQ(exported.exit_code, 0) << exported.err;
    EXPECT_EQ(json_lines(exported.out).back()["file"], file);
    const Outcome evaluated = run_program({"eval", recipe_, "--weights", file, "--json"});
    ASSERT_EQ(evaluated.exit_code, 0) << evaluated.err;
    EXPECT_EQ(json_lines(evaluated.out).back()["loss"], expected["loss"]) << name;
  }
  EXPECT_THAT(read_bytes(folder_ / "out.safetensors"), HasSubstr(R"(\"name\":\"mlp\")"))
      << "which network it belongs to";
  const Json beside = Json::parse(read_bytes(folder_ / "out.pth.json"));
  EXPECT_EQ(beside["model"]["name"], "mlp");
  EXPECT_EQ(beside["task"]["std"].size(), 1U) << "how the inputs of a state_dict are normalised";
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.safetensors.json"));
  const std::string copy = folder_ / "copy.safetensors";
  const Outcome imported =
      run_program({"import", folder_ / "out.pth", "--recipe", recipe_, "--to", copy, "--json"});
  ASSERT_EQ(imported.exit_code, 0) << imported.err;
  const auto lines = json_lines(imported.out);
  EXPECT_EQ(lines.front()["event"], "tensor");
  EXPECT_EQ(lines.front()["name"], "layer1.weight");
  EXPECT_EQ(lines.front()["match"], "fits");
  EXPECT_EQ(lines.back()["kind"], "torch archive");
  const Outcome again = run_program({"eval", recipe_, "--weights", copy, "--json"});
  EXPECT_EQ(json_lines(again.out).back()["loss"], expected["loss"]);
}

TEST_F(Commands, TheOptimizerGoesToTorch) {
  const char* python = std::getenv("ONECYCLE_PYTHON");
  if (python == nullptr || *python == '\0') GTEST_SKIP() << "needs torch in ONECYCLE_PYTHON";
  for (const std::string optimizer : {"{name: sgd, weight_decay: 1e-4}", "{name: adamw}"}) {
    ASSERT_EQ(run_program(train({"--set", "optimizer=" + optimizer})).exit_code, 0);
    const std::string run =
        folder_ / (optimizer == "{name: adamw}" ? "runs/small/2" : "runs/small/1");
    const std::string file = folder_ / "out.pth";
    const Outcome exported = run_program({"export", run, "--to", file, "--optimizer"});
    ASSERT_EQ(exported.exit_code, 0) << exported.err;
    const std::string command = std::string("'") + python + "' -B '" + source_dir() +
                                "/tests/train/torch_weights.py' optimizer " + file + " " + run +
                                "/checkpoints/last.safetensors >" + (folder_ / "found");
    ASSERT_EQ(std::system(command.c_str()), 0);
    const Json found = Json::parse(read_bytes(folder_ / "found"));
    EXPECT_EQ(found["step"], 54);
    EXPECT_EQ(found["parameters"], 4);
    EXPECT_GT(found["lr"].get<double>(), 0);
  }
}

TEST_F(Commands, TheResolvedRecipeReproducesTheRun) {
  ASSERT_EQ(run_program(train()).exit_code, 0);
  const std::string first = folder_ / "runs/small/1";
  ASSERT_EQ(run_program({"train", first + "/recipe.yaml"}).exit_code, 0);
  const std::string second = folder_ / "runs/small/2";
  EXPECT_EQ(read_bytes(first + "/recipe.yaml"), read_bytes(second + "/recipe.yaml"));
  EXPECT_EQ(stored_tensors(first), stored_tensors(second));
}

// fastai's cycle begins at a 25th of its peak and rises for a quarter of the run; of
// Fashion-MNIST's 60,000 samples a tenth would be held out, were it not more than 5,000.
TEST_F(Commands, TheResolvedRecipeSaysWhatIsUsedForWhatItLeavesOpen) {
  const std::string quickstart = source_dir() + "/recipes/quickstart.yaml";
  const Outcome outcome = run_program({"check", "--resolved", quickstart});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* line :
       {"\n  validation: ~  # 5000 here\n", "\n  lr_min: ~  # 0.004 here\n",
        "\n  pct_start: ~  # 0.25 here\n", "\n  div_factor: ~  # 25 here\n",
        "\n  cycle_momentum: ~  # true here\n", "\n  test_every: ~  # 1ep here\n",
        "\n  lr_max: 0.1\n", "\n  stepsize: ~\n"})
    EXPECT_THAT(outcome.out, HasSubstr(line));
  EXPECT_THAT(run_program({"check", "--resolved", quickstart, "--set", "schedule.lr_max=0.2"}).out,
              HasSubstr("lr_min: ~  # 0.008 here"));

  ASSERT_EQ(run_program(train({"--set", "schedule.name=one_cycle", "--set", "schedule.lr_max=0.1",
                               "--set", "schedule.policy=fastai", "--set", "train.threads=null"}))
                .exit_code,
            0);
  const std::string run = folder_ / "runs/small/1";
  const Json used = Json::parse(read_bytes(run + "/run.json"))["used"];
  EXPECT_EQ(used["schedule.lr_min"], 0.004);
  EXPECT_EQ(used["schedule.pct_start"], 0.25);
  EXPECT_EQ(used["data.total_batch_size"], 50);
  EXPECT_GE(used["train.threads"], 1);
  EXPECT_FALSE(used.contains("schedule.lr_max")) << "it is named";
  EXPECT_FALSE(used.contains("data.validation")) << "it is named";
  EXPECT_THAT(read_bytes(run + "/recipe.yaml"), HasSubstr("lr_min: ~  # 0.004 here"));
}

TEST_F(Commands, DivergenceEndsWithExitCode3AndItsStep) {
  const Outcome outcome = run_program(train({"--json", "--set", "schedule.lr_max=1e30"}));
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("at step"));
  EXPECT_THAT(outcome.err, HasSubstr("learning rate was"));
  EXPECT_EQ(json_lines(outcome.out).back()["stop_reason"], "diverged");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/small/1/checkpoints"));
}

TEST_F(Commands, InterruptEndsInOrder) {
  Program program(train({"--json", "--set", "train.duration=1000000ep"}));
  EXPECT_TRUE(program.comes_to_say("\"log\""));
  ::kill(program.pid(), SIGINT);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_EQ(json_lines(outcome.out).back()["stop_reason"], "interrupted");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "runs/small/1/checkpoints/last.safetensors"));
}

TEST_F(Commands, ScheduleWritesEveryStep) {
  const Outcome outcome = run_program({"schedule", recipe_, "--csv"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("step,lr,momentum,weight_decay\n0,"));
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1 + 54);
  EXPECT_EQ(run_program({"schedule", recipe_}).exit_code, 0);
}

// No command looks at all steps of a run that no computer could take.
TEST_F(Commands, TheLongestRunsAreLookedAtBySamples) {
  for (const char* duration : {"1000000ep", "1000000000000it", "9007199254740991it"}) {
    SCOPED_TRACE(duration);
    const std::string length = std::string("train.duration=") + duration;
    for (const char* mode : {"decoupled", "independent", "l2"}) {
      const std::string decay = std::string("optimizer.weight_decay_mode=") + mode;
      const Outcome check = run_program({"check", recipe_, "--set", length, "--set", decay, "--set",
                                         "optimizer.weight_decay=1e-9"});
      EXPECT_EQ(check.exit_code, 0) << check.err;
    }
    const Outcome dry = run_program({"train", recipe_, "--dry-run", "--set", length});
    EXPECT_EQ(dry.exit_code, 0) << dry.err;
    EXPECT_THAT(dry.out + dry.err, HasSubstr("to a learning rate of 0.1;"));
    const Outcome table = run_program({"schedule", recipe_, "--set", length});
    EXPECT_EQ(table.exit_code, 0) << table.err;
    EXPECT_THAT(table.out + table.err, HasSubstr("at most 0.1"));
  }
}

TEST_F(Commands, ScheduleWritesSoManyPointsOfALongRun) {
  const std::vector<std::string> all = {"schedule", recipe_, "--csv", "--set",
                                        "train.duration=1000000000001it"};
  const Outcome refused = run_program(all);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--points"));
  std::vector<std::string> some = all;
  some.insert(some.end(), {"--points", "5"});
  const Outcome outcome = run_program(some);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::vector<std::string> steps;
  std::istringstream rows(outcome.out);
  for (std::string row; std::getline(rows, row);) steps.push_back(row.substr(0, row.find(',')));
  EXPECT_EQ(steps, (std::vector<std::string>{"step", "0", "250000000000", "500000000000",
                                             "750000000000", "1000000000000"}));
  EXPECT_EQ(run_program({"schedule", recipe_, "--points", "0"}).exit_code, 2);
}

// A literal ${ survives being written and read again, wherever a recipe is.
TEST_F(Commands, AnEscapedDollarStaysEscaped) {
  const std::vector<std::string> named = {"--set", "name='a$${x}$b'", "--set",
                                          "output.dir=" + (folder_ / "runs")};
  const auto with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), named.begin(), named.end());
    return run_program(arguments);
  };
  const Outcome first = with({"check", recipe_, "--resolved"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const std::string again = folder_.write_text("again.yaml", first.out);
  EXPECT_EQ(run_program({"check", again, "--resolved"}).out, first.out);
  const Outcome trained = with({"train", recipe_});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const std::string run = folder_ / "runs/a${x}$b/1";
  ASSERT_TRUE(std::filesystem::exists(run + "/recipe.yaml"));
  const Outcome resumed = run_program({"train", "--resume", run});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(run_program({"eval", run}).exit_code, 0);
  EXPECT_EQ(run_program({"report", run}).exit_code, 0);
  EXPECT_THAT(read_bytes(run + "/report.html"), HasSubstr("a${x}$b"));
  const std::string space =
      folder_.write_text("space.yaml", "search: {method: grid, space: {schedule.lr_max: [0.1]}}\n");
  const Outcome searched = with({"search", recipe_, "--space", space});
  EXPECT_EQ(searched.exit_code, 0) << searched.err;
}

TEST_F(Commands, CheckListsEveryProblem) {
  EXPECT_EQ(run_program({"check", recipe_}).exit_code, 0);
  const std::string bad =
      folder_.write_text("bad.yaml", "model: mlp\nsede: 1\ntrain: {duration: 5}\n");
  const Outcome outcome = run_program({"check", recipe_, bad});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("bad.yaml:2:1: sede"));
  EXPECT_THAT(outcome.err, HasSubstr("bad.yaml:3:19: train.duration"));
}

TEST_F(Commands, EveryCommandHasHelpWithExamples) {
  for (const char* command :
       {"train", "range-test", "lr-find", "fit-batch", "search", "tune", "eval", "predict",
        "export", "import", "report", "schedule", "check", "data", "weights", "info", "schema"}) {
    const Outcome outcome = run_program({command, "--help"});
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_THAT(outcome.out, HasSubstr("Examples:")) << command;
  }
  EXPECT_THAT(run_program({"--version"}).out, HasSubstr("onecycle "));
}

TEST_F(Commands, DataListsVerifiesAndDescribes) {
  EXPECT_THAT(run_program({"data", "list"}).out, HasSubstr("fashion-mnist"));
  const Outcome described = run_program({"data", "info", "synthetic", "--json"});
  ASSERT_EQ(described.exit_code, 0) << described.err;
  EXPECT_EQ(json_lines(described.out).size(), 3U);
  EXPECT_EQ(run_program({"data", "verify", "cifar10", "--dir", folder_ / "none"}).exit_code, 1);
}

TEST_F(Commands, EveryShippedRecipeIsSound) {
  int num_checked = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(source_dir() + "/recipes")) {
    if (entry.path().extension() != ".yaml") continue;
    const Outcome outcome = run_program({"check", entry.path().string()});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    ++num_checked;
  }
  EXPECT_GE(num_checked, 3);
}

TEST_F(Commands, TheReferencePageIsTheProgramsOwn) {
  EXPECT_EQ(run_program({"schema", "--markdown"}).out, read_bytes(source_dir() + "/docs/recipe.md"))
      << "refresh it: ./onecycle schema --markdown > docs/recipe.md";
  EXPECT_TRUE(Json::accept(run_program({"schema"}).out));
}

}  // namespace
}  // namespace onecycle::testing
