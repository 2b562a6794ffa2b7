// `eval` and `predict` as a user runs them.

#include "support/json_lines.h"
#include "support/program.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <png.h>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr const char* kRecipe = R"(name: small
seed: 3
data:
  format: {name: synthetic, train: 600, test: 130, classes: 4, channels: 3, height: 8, width: 8}
  batch_size: 50
  validation: 100
model: {name: mlp, hidden: [16]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 2ep}
)";

void write_png(const std::string& path, std::uint32_t side, std::uint8_t grey) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = image.height = side;
  image.format = PNG_FORMAT_GRAY;
  const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(side) * side, grey);
  ASSERT_NE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr), 0);
}

// One run for all of them.
class Trained : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    const std::string recipe = folder_->write_text("recipe.yaml", kRecipe);
    const Outcome outcome =
        run_program({"train", recipe, "--set", "output.dir=" + (*folder_ / "runs"), "-q"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    std::filesystem::create_directories(*folder_ / "pictures/inner");
    write_png(*folder_ / "pictures/b.png", 8, 40);
    write_png(*folder_ / "pictures/inner/a.png", 30, 200);
    write_png(*folder_ / "pictures/.hidden.png", 8, 3);
    folder_->write_text("pictures/notes.txt", "no picture");
  }
  static void TearDownTestSuite() { folder_.reset(); }
  static std::string run() { return *folder_ / "runs/small/1"; }
  static std::string pictures() { return *folder_ / "pictures"; }

  static inline std::unique_ptr<TemporaryFolder> folder_;
};

TEST_F(Trained, EvalTellsConfusionsAndWritesAPage) {
  const Outcome outcome = run_program({"eval", run(), "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Json result = json_lines(outcome.out).back();
  std::int64_t samples = 0;
  std::int64_t right = 0;
  for (std::size_t row = 0; row < 4; ++row)
    for (std::size_t column = 0; column < 4; ++column) {
      const auto count = result["confusion"][row][column].get<std::int64_t>();
      samples += count;
      right += row == column ? count : 0;
    }
  EXPECT_EQ(samples, 130);
  EXPECT_DOUBLE_EQ(result["accuracy"].get<double>(), static_cast<double>(right) / 130);
  EXPECT_EQ(result["classes"].size(), 4u);
  EXPECT_TRUE(result["ece"].is_number());
  EXPECT_EQ(result["report"], run() + "/eval-test.html");
  EXPECT_THAT(read_bytes(run() + "/eval-test.html"), HasSubstr("Confusion matrix"));
  EXPECT_THAT(read_bytes(run() + "/eval-test/confusion.csv"), StartsWith("label,"));
  const std::string recipe = run() + "/recipe.yaml";
  const Outcome elsewhere = run_program({"eval", recipe, "--weights", run(), "--json", "--report",
                                         *folder_ / "page.html", "--tta", "flip+shift"});
  ASSERT_EQ(elsewhere.exit_code, 0) << elsewhere.err;
  EXPECT_TRUE(std::filesystem::exists(*folder_ / "page.html"));
  const Outcome none = run_program({"eval", recipe, "--weights", run(), "--json"});
  EXPECT_TRUE(json_lines(none.out).back()["report"].is_null());
  EXPECT_EQ(run_program({"eval", run(), "--tta", "turn"}).exit_code, 2);
  EXPECT_EQ(run_program({"eval", run(), "--report", *folder_ / "page.txt"}).exit_code, 2);
}

TEST_F(Trained, PredictsFilesFoldersAndLists) {
  const Outcome outcome = run_program({"predict", run(), pictures(), "--json", "--top", "2"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto lines = json_lines(outcome.out);
  ASSERT_EQ(lines.size(), 3u) << outcome.out;
  EXPECT_EQ(lines[0]["file"], pictures() + "/b.png");
  EXPECT_EQ(lines[1]["file"], pictures() + "/inner/a.png");
  EXPECT_EQ(lines[0]["top"].size(), 2u);
  EXPECT_GE(lines[0]["top"][0]["probability"], lines[0]["top"][1]["probability"]);
  EXPECT_EQ(lines[2]["predicted"], 2);
  const Outcome all =
      run_program({"predict", run(), pictures() + "/b.png", "--json", "--top", "9"});
  const Json first = json_lines(all.out)[0];
  double sum = 0;
  for (const Json& one : first["top"]) sum += one["probability"].get<double>();
  EXPECT_NEAR(sum, 1, 1e-5);
}

// Lines end in LF or CRLF, the last one in nothing.
TEST_F(Trained, PredictsWhatAListNames) {
  const std::string list =
      folder_->write_text("list.txt", pictures() + "/b.png\r\n\r\n" + pictures() +
                                          "/inner/a.png\n" + pictures() + "/b.png");
  const Outcome outcome =
      Program({"-c", R"("$0" predict "$1" - --json <"$2")", program_path(), run(), list}, "/bin/sh")
          .wait();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto lines = json_lines(outcome.out);
  ASSERT_EQ(lines.size(), 4u) << outcome.out;
  EXPECT_EQ(lines[0]["file"], pictures() + "/b.png");
  EXPECT_EQ(lines[1]["file"], pictures() + "/inner/a.png");
}

TEST_F(Trained, UnreadablePicturesDoNotHinderTheOthers) {
  const std::string broken = folder_->write_text("broken.png", "\x89PNG\r\n\x1a\nnothing");
  const Outcome outcome = run_program(
      {"predict", run(), broken, pictures() + "/b.png", *folder_ / "none.png", "--csv"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, StartsWith("file,class,probability,class2,probability2,class3"));
  EXPECT_THAT(outcome.out, HasSubstr("\n" + pictures() + "/b.png,"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("broken")));
  EXPECT_THAT(outcome.err, HasSubstr(broken));
  EXPECT_THAT(outcome.err, HasSubstr("none.png"));
  EXPECT_THAT(outcome.err, HasSubstr("2 of 3 pictures could not be read"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 3);
}

TEST_F(Trained, PredictNeedsPictures) {
  EXPECT_EQ(run_program({"predict", run()}).exit_code, 2);
  EXPECT_EQ(run_program({"predict"}).exit_code, 2);
  EXPECT_EQ(run_program({"predict", run(), pictures(), "--top", "0"}).exit_code, 2);
  EXPECT_EQ(run_program({"predict", run(), pictures(), "--csv", "--json"}).exit_code, 2);
  std::filesystem::create_directories(*folder_ / "empty");
  const Outcome empty = run_program({"predict", run(), *folder_ / "empty"});
  EXPECT_EQ(empty.exit_code, 1);
  EXPECT_THAT(empty.err, HasSubstr("holds no picture"));
}

}  // namespace
}  // namespace onecycle::testing
