// What a user gets wrong: one line that says what, where and what to do, and the exit code.

#include "support/places.h"
#include "support/program.h"

#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSmallRecipe = R"(name: small
data: {format: {name: synthetic, train: 200, test: 50}, batch_size: 20}
model: {name: mlp, hidden: [8]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 1ep}
)";

class BadInput : public ::testing::Test {
 protected:
  std::vector<std::string> train(const std::string& recipe,
                                 const std::vector<std::string>& overrides = {}) const {
    std::vector<std::string> arguments{"train", recipe, "--set",
                                       "output.dir=" + (folder_ / "runs")};
    for (const std::string& assignment : overrides) {
      arguments.emplace_back("--set");
      arguments.push_back(assignment);
    }
    return arguments;
  }

  // Runs it and expects one line on stderr, the exit code, and no run left behind.
  std::string refused(const std::vector<std::string>& arguments, int exit_code) const {
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_THAT(outcome.err, Not(HasSubstr("Exception raised from"))) << "a LibTorch trace";
    EXPECT_FALSE(std::filesystem::exists(folder_ / "runs/small"));
    return outcome.err;
  }
  std::string refused_recipe(const std::string& text, int exit_code = 2) const {
    return refused(train(folder_.write_text("recipe.yaml", text)), exit_code);
  }
  std::string refused_override(const std::string& assignment, int exit_code = 2) const {
    return refused(train(folder_.write_text("recipe.yaml", kSmallRecipe), {assignment}), exit_code);
  }

  TemporaryFolder folder_;
};

TEST_F(BadInput, TheRecipeItVariesIsSound) {
  const Outcome outcome = run_program(train(folder_.write_text("recipe.yaml", kSmallRecipe)));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
}

TEST_F(BadInput, UnknownKeyNamesTheNearest) {
  EXPECT_THAT(refused_recipe(std::string(kSmallRecipe) + "modle: mlp\n"),
              AllOf(HasSubstr("recipe.yaml:6:1"), HasSubstr("modle"), HasSubstr("'model'")));
  EXPECT_THAT(refused_override("schedule.lr_maxx=1"),
              AllOf(HasSubstr("schedule.lr_maxx"), HasSubstr("'lr_max'")));
}

TEST_F(BadInput, UnknownOptionsAndFilesNameTheNearest) {
  const std::string recipe = folder_.write_text("recipe.yaml", kSmallRecipe);
  EXPECT_THAT(refused({"train", recipe, "--sett", "seed=2"}, 2), HasSubstr("did you mean --set?"));
  EXPECT_THAT(refused({"train", recipe, "-resume"}, 2), HasSubstr("did you mean --resume?"));
  EXPECT_THAT(refused({"train", recipe, "--xyz"}, 2), Not(HasSubstr("did you mean")));
  EXPECT_THAT(refused({"train", folder_ / "recipie.yaml"}, 2),
              HasSubstr("did you mean " + recipe + "?"));
  EXPECT_THAT(refused({"train", folder_ / "none.yaml"}, 2),
              AllOf(HasSubstr("No such file"), Not(HasSubstr("did you mean"))));
}

// The section that was meant is not said to be missing as well.
TEST_F(BadInput, AMisspeltSectionIsOneProblem) {
  const std::string recipe = folder_.write_text(
      "recipe.yaml",
      "data: {format: {name: synthetic, train: 200, test: 50}, batch_size: 20}\n"
      "train: {duration: long}\nmodle: mlp\nschedule: {nmae: one_cycle, lr_max: 0.1}\n");
  const Outcome outcome = run_program({"check", recipe});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 3) << outcome.err;
  const auto place = [&](const char* text) { return outcome.err.find(text); };
  EXPECT_LT(place("recipe.yaml:2:"), place("recipe.yaml:3:1: modle: unknown key; did you mean"));
  EXPECT_LT(place("recipe.yaml:3:"), place("schedule.nmae: unknown key; did you mean 'name'?"));
}

TEST_F(BadInput, DuplicateKeyNamesBothLines) {
  EXPECT_THAT(
      refused_recipe(std::string(kSmallRecipe) + "name: again\n"),
      AllOf(HasSubstr("recipe.yaml:6:1"), HasSubstr("duplicate key 'name'"), HasSubstr("line 1")));
}

TEST_F(BadInput, MistypedValueSaysWhatIsExpected) {
  EXPECT_THAT(refused_override("train.duration=soon"),
              AllOf(HasSubstr("train.duration"), HasSubstr("5ep"), HasSubstr("'soon'")));
  EXPECT_THAT(refused_override("optimizer.nesterov=3"), HasSubstr("true or false"));
  EXPECT_THAT(refused_override("seed=x"), HasSubstr("an integer"));
  EXPECT_THAT(refused_override("schedule=[1]"), HasSubstr("schedule"));
  EXPECT_THAT(refused_override("train.precision=fp31"),
              AllOf(HasSubstr("train.precision"), HasSubstr("fp32")));
}

TEST_F(BadInput, ValueOutOfRangeSaysTheRange) {
  EXPECT_THAT(refused_override("schedule.lr_max=-1"),
              AllOf(HasSubstr("schedule.lr_max"), HasSubstr("more than 0"), HasSubstr("'-1'")));
  EXPECT_THAT(refused_override("train.label_smoothing=1"), HasSubstr("in [0, 1)"));
  EXPECT_THAT(refused_override("schedule.lr_max=.inf"), HasSubstr("a number"));
}

TEST_F(BadInput, DurationThatNoRunCanCount) {
  const std::string until =
      std::string(kSmallRecipe).substr(0, std::string(kSmallRecipe).find("\ntrain:") + 1);
  EXPECT_THAT(
      refused_recipe(until + "train: {duration: 1e18ep}\n"),
      AllOf(HasSubstr("recipe.yaml:5:19: train.duration"), HasSubstr("at most 1e9 epochs")));
  for (const char* steps : {"9007199254740992it", "10000000000000000000it", "1e300it"})
    EXPECT_THAT(refused_override(std::string("train.duration=") + steps),
                AllOf(HasSubstr("train.duration"), HasSubstr("2^53"), HasSubstr(steps)));
  for (const char* wrong : {"1e400it", "-5ep", "nanep", "infit", "0ep"})
    EXPECT_THAT(refused_override(std::string("train.duration=") + wrong),
                AllOf(HasSubstr("train.duration"), HasSubstr(wrong)));
  EXPECT_THAT(refused_override("output.checkpoint_every=1e19it"),
              AllOf(HasSubstr("output.checkpoint_every"), HasSubstr("2^53")));
  EXPECT_THAT(
      refused({"schedule", folder_.write_text("recipe.yaml", kSmallRecipe), "--samples",
               "10000000000", "--set", "data.batch_size=1", "--set", "train.duration=1e9ep"},
              2),
      AllOf(HasSubstr("train.duration"), HasSubstr("10000000000 steps an epoch"),
            HasSubstr("2^53")));
}

TEST_F(BadInput, RangeTestOfMoreStepsThanCanBeCounted) {
  const std::string recipe = folder_.write_text("recipe.yaml", kSmallRecipe);
  const Outcome outcome = run_program({"range-test", recipe, "--steps", "9223372036854775807",
                                       "--set", "output.dir=" + (folder_ / "runs")});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("--steps"), HasSubstr("2^53")));
}

// Numbers whose products would overflow.
TEST_F(BadInput, MoreMicroBatchesThanSamples) {
  for (const char* parts : {"1000", "1000000000", "4611686018427387904", "9223372036854775807"})
    EXPECT_THAT(refused_override(std::string("train.accumulate=") + parts),
                AllOf(HasSubstr("train.accumulate"), HasSubstr(parts)));
}

TEST_F(BadInput, UnknownPartListsTheKnown) {
  EXPECT_THAT(refused_override("model=mpl"), AllOf(HasSubstr("'mlp'"), HasSubstr("resnet20")));
  EXPECT_THAT(refused_override("schedule=one-cycle"), HasSubstr("'one_cycle'"));
}

TEST_F(BadInput, BadOverride) {
  EXPECT_THAT(refused_override("schedule.lr_max"), HasSubstr("key=value"));
  EXPECT_THAT(refused_override(".=1"), HasSubstr("--set .=1"));
  EXPECT_THAT(refused_override("seed=[1"), HasSubstr("not valid YAML"));
}

TEST_F(BadInput, BadYaml) {
  EXPECT_THAT(refused_recipe("name: [1\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(refused_recipe("just text"), HasSubstr("a map of sections"));
  EXPECT_THAT(refused_recipe(""), HasSubstr("data.name: is required"));
  EXPECT_THAT(refused_recipe("a: 1\n---\nb: 2\n"), HasSubstr("several YAML documents"));
  EXPECT_THAT(refused_recipe("a: &a [*a]\n"), HasSubstr("recipe.yaml"));
  EXPECT_THAT(refused_recipe(std::string(100000, '[')), HasSubstr("recipe.yaml"));
}

TEST_F(BadInput, YamlThatNeverEnds) {
  EXPECT_THAT(refused_override("seed=,5"), HasSubstr("not valid YAML"));
  EXPECT_THAT(refused_recipe(","), HasSubstr("recipe.yaml:1:1: not valid YAML"));
}

TEST_F(BadInput, TensOfThousandsOfKeys) {
  std::string text = kSmallRecipe;
  for (int i = 0; i < 60000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(refused_recipe(text), AllOf(HasSubstr("recipe.yaml:6:1"), HasSubstr("59999 more")));
}

// A name of a folder, a name in JSON, a name in messages.
TEST_F(BadInput, NamesAreText) {
  const std::string rest = std::string(kSmallRecipe).substr(12);
  EXPECT_THAT(refused_recipe("name: \"sm\\0all\"\n" + rest), HasSubstr("control character"));
  EXPECT_THAT(refused_recipe("name: \"sm\\nall\"\n" + rest), HasSubstr("names a folder"));
  EXPECT_THAT(refused_recipe("name: caf\xe9\n" + rest),
              AllOf(HasSubstr("recipe.yaml:1:7"), HasSubstr("not valid UTF-8")));
  EXPECT_THAT(refused_override("name=" + std::string(300, 'x')), HasSubstr("longer than 200"));
  EXPECT_THAT(refused_override("name=\xff"), HasSubstr("not valid UTF-8"));
}

// A grey picture of one pixel.
const std::vector<std::uint8_t> kPicture = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00,
    0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78,
    0x9c, 0x63, 0xa8, 0x07, 0x00, 0x00, 0x81, 0x00, 0x80, 0xd3, 0x94, 0x53, 0x4a, 0x00,
    0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

TEST_F(BadInput, NamesOfClassesAreText) {
  folder_.write("data/caf\xe9/a.png", kPicture);
  folder_.write("data/tea/a.png", kPicture);
  const std::string pictures =
      "data={format: {name: image_folder, size: null}, validation: 0, "
      "batch_size: 1, dir: " +
      (folder_ / "data") + "}";
  EXPECT_THAT(refused_override(pictures, 1), HasSubstr("'caf?' is not valid UTF-8"));
}

// A file's name may be any bytes; JSON may not.
TEST_F(BadInput, FileNamesThatAreNoText) {
  const std::string recipe = folder_.write_text("caf\xe9/recipe.yaml", kSmallRecipe);
  const Outcome outcome =
      run_program({"train", recipe, "--json", "--set", "output.dir=" + (folder_ / "caf\xe9/runs")});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  const Outcome here =
      run_program({"train", recipe, "--json", "--set", "output.dir=" + (folder_ / "runs")});
  EXPECT_EQ(here.exit_code, 0) << here.err;
  const std::string weights = folder_ / "runs/small/1/checkpoints/last.safetensors";
  const std::string renamed = folder_ / "caf\xe9/last.safetensors";
  std::filesystem::copy_file(weights, renamed);
  const Outcome eval = run_program({"eval", recipe, "--weights", renamed, "--json"});
  EXPECT_EQ(eval.exit_code, 0) << eval.err;
  EXPECT_THAT(eval.out, HasSubstr("caf\xef\xbf\xbd/last.safetensors"));
}

TEST_F(BadInput, MissingRecipe) {
  EXPECT_THAT(refused(train(folder_ / "none.yaml"), 2), HasSubstr("none.yaml"));
  EXPECT_THAT(refused(train(folder_ / ""), 2), HasSubstr("a folder"));
}

TEST_F(BadInput, ContradictoryRates) {
  EXPECT_THAT(refused_override("optimizer.lr=0.1"),
              AllOf(HasSubstr("optimizer.lr"), HasSubstr("schedule.lr_max")));
  EXPECT_THAT(refused_override("optimizer.weight_decay=20"),
              AllOf(HasSubstr("weight_decay"), HasSubstr("l2")));
}

TEST_F(BadInput, BatchLargerThanTheSet) {
  EXPECT_THAT(refused_override("data.batch_size=1000"),
              AllOf(HasSubstr("data.batch_size"), HasSubstr("1000"), HasSubstr("180")));
}

TEST_F(BadInput, MissingData) {
  const std::string rest = "model: mlp\nschedule: {name: one_cycle, lr_max: 0.1}\n";
  EXPECT_THAT(refused_recipe("data: {name: mnist, dir: /nonexistent}\n" + rest, 1),
              AllOf(HasSubstr("train-images"), HasSubstr("/nonexistent")));
  EXPECT_THAT(refused_recipe("data: {name: fashion_mnist}\n" + rest),
              AllOf(HasSubstr("fashion_mnist"), HasSubstr("fashion-mnist")));
}

TEST_F(BadInput, UnwritableOutput) {
  const std::string file = folder_.write_text("file", "");
  const std::string recipe = folder_.write_text("recipe.yaml", kSmallRecipe);
  const Outcome outcome = run_program(
      {"train", recipe, "--set", "output.dir=" + file, "--set", "train.duration=100000ep"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(file), HasSubstr("output.dir")));
  EXPECT_THAT(outcome.out, Not(HasSubstr("epoch 1 "))) << "found before training starts";
}

TEST_F(BadInput, NoCudaDevice) {
  const Outcome info = run_program({"info"});
  if (info.out.find("usable") != std::string::npos) GTEST_SKIP() << "there is a CUDA device";
  EXPECT_THAT(refused_override("train.device=cuda"),
              AllOf(HasSubstr("train.device"), HasSubstr("not usable here")));
}

TEST_F(BadInput, CommandLine) {
  EXPECT_THAT(refused({"trian"}, 2), HasSubstr("'train'"));
  EXPECT_THAT(refused({"train"}, 2), HasSubstr("RECIPE is missing"));
  EXPECT_THAT(refused({"train", "a", "b"}, 2), HasSubstr("one RECIPE"));
  EXPECT_THAT(refused({"train", "--frobnicate"}, 2), HasSubstr("frobnicate"));
  EXPECT_THAT(refused({"data", "verify"}, 2), HasSubstr("with a NAME"));
  EXPECT_THAT(refused({"data", "look", "mnist"}, 2), HasSubstr("'look'"));
  const std::string recipe = folder_.write_text("recipe.yaml", kSmallRecipe);
  EXPECT_THAT(refused({"eval", recipe}, 2), HasSubstr("--weights"));
  EXPECT_THAT(refused({"export", "runs/none"}, 2), HasSubstr("--to is missing"));
  EXPECT_THAT(refused({"export", "runs/none", "--to", "a.onnx"}, 2), HasSubstr("ends in .pth"));
  EXPECT_THAT(refused({"import", "a.pth", "--to", "a.pth"}, 2), HasSubstr(".safetensors"));
  EXPECT_EQ(run_program({}).exit_code, 2);
}

TEST_F(BadInput, HostileWeights) {
  const std::string recipe = folder_.write_text("recipe.yaml", kSmallRecipe);
  const std::string ran = folder_ / "ran";
  const std::string pickle =
      folder_.write_text("evil.pth", "cos\nsystem\n(S'touch " + ran + "'\ntR.");
  for (const auto& arguments :
       {std::vector<std::string>{"eval", recipe, "--weights", pickle}, {"import", pickle}})
    EXPECT_THAT(refused(arguments, 1), HasSubstr("evil.pth: refused: the pickle wants os.system"));
  EXPECT_THAT(refused(train(recipe, {"weights.file=" + pickle}), 1), HasSubstr("os.system"));
  EXPECT_FALSE(std::filesystem::exists(ran));
  EXPECT_THAT(refused(train(recipe, {"weights.file=" + (folder_ / "absent.pth")}), 1),
              HasSubstr("absent.pth: cannot be read"));
  EXPECT_THAT(refused(train(recipe, {R"(weights.rename=[{from: "^(", to: a}])"}), 2),
              HasSubstr("is not a regular expression"));
  const std::string module = source_dir() + "/tests/fuzz/corpus/weights/module.pth";
  EXPECT_THAT(refused({"import", module}, 1), HasSubstr("torch.nn.modules.linear.Linear"));
}

TEST_F(BadInput, WeightsOfAnotherModel) {
  const std::string recipe = folder_.write_text("recipe.yaml", kSmallRecipe);
  ASSERT_EQ(run_program({"train", recipe, "--set", "output.dir=" + (folder_ / "out")}).exit_code,
            0);
  const std::string run = folder_ / "out/small/1";
  const Outcome same = run_program({"eval", run, "--json"});
  EXPECT_EQ(same.exit_code, 0) << same.err;
  const Outcome other = run_program({"eval", run, "--set", "model.hidden=[9]"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.err, AllOf(HasSubstr("another model"), HasSubstr("layer1.weight (8x784")));
  const std::string torn = folder_.write_text("torn.safetensors", "1234567");
  EXPECT_THAT(refused({"eval", recipe, "--weights", torn}, 1), HasSubstr("torn.safetensors"));
}

}  // namespace
}  // namespace onecycle::testing
