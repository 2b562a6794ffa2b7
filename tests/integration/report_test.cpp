// `onecycle report` as a user runs it, and its page in a browser where there is one.

#include "support/program.h"

#include <algorithm>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <regex>

namespace onecycle::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kRecipe = R"(name: small
data: {format: {name: synthetic, train: 1000, test: 130}, batch_size: 50, validation: 100}
model: {name: mlp, hidden: [16]}
schedule: {name: one_cycle, lr_max: 0.1}
train: {duration: 4ep, log_every: 5}
)";

// Hovers over the first figure of the page at 360 pixels, then notes what the browser saw on the
// page's own root element.
constexpr const char* kProbe = R"(<script>
document.body.style.width = '360px';
const plot = document.querySelector('.drawing > .plot');
const box = plot.getBoundingClientRect();
plot.dispatchEvent(new PointerEvent('pointermove',
    {clientX: box.left + box.width * .9, clientY: box.top + box.height / 2}));
const root = document.documentElement;
root.dataset.tip = plot.parentElement.querySelector('.tip').textContent;
root.dataset.hidden = plot.parentElement.querySelector('.tip').hidden;
root.dataset.requests = performance.getEntriesByType('resource').length;
const wide = [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') &&
    !e.closest('svg') && e.getBoundingClientRect().right > document.body.getBoundingClientRect().right + 1);
root.dataset.wide = wide.map(e => e.tagName + '.' + e.className).join();
</script>)";

std::string in_path(const std::string& program) {
  std::istringstream folders(std::getenv("PATH") == nullptr ? "" : std::getenv("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return folder + "/" + program;
  return "";
}

std::string browser() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
    if (const std::string path = in_path(name); !path.empty()) return path;
  return "";
}

std::string attribute(const std::string& dom, const std::string& name) {
  std::smatch found;
  return std::regex_search(dom, found, std::regex("data-" + name + "=\"([^\"]*)\""))
             ? found[1].str()
             : "(none)";
}

class ReportCommand : public ::testing::Test {
 protected:
  std::string train() const {
    const std::string recipe = folder_.write_text("recipe.yaml", kRecipe);
    const Outcome outcome =
        run_program({"train", recipe, "-q", "--set", "output.dir=" + (folder_ / "runs")});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return folder_ / "runs/small/1";
  }

  // The page's elements once its scripts have run; the browser's log in err.
  Outcome open(const std::string& page) const {
    const std::string command =
        "timeout 120 '" + browser() + "' --headless --no-sandbox --disable-gpu --user-data-dir='" +
        (folder_ / "profile") + "' --enable-logging=stderr --virtual-time-budget=3000 --dump-dom " +
        "'file://" + page + "' > '" + (folder_ / "out") + "' 2> '" + (folder_ / "err") + "'";
    Outcome outcome;
    outcome.exit_code = std::system(command.c_str());
    outcome.out = read_bytes(folder_ / "out");
    outcome.err = read_bytes(folder_ / "err");
    return outcome;
  }

  TemporaryFolder folder_;
};

TEST_F(ReportCommand, WritesThePageAndNamesIt) {
  const std::string run = train();
  const Outcome outcome = run_program({"report", run, "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(Json::parse(outcome.out),
            (Json{{"event", "report"}, {"report", run + "/report.html"}}));
  const std::string html = read_bytes(run + "/report.html");
  EXPECT_THAT(html, HasSubstr("Verdict: "));
  EXPECT_THAT(html, HasSubstr("<dt>machine</dt>"));
  EXPECT_THAT(html, HasSubstr("CPU threads"));
  EXPECT_THAT(html, HasSubstr("<dt>command</dt><dd>onecycle train " + (folder_ / "recipe.yaml") +
                              " -q --set output.dir="));
  EXPECT_THAT(html, HasSubstr("<dt>host</dt>"));
  const Json json = Json::parse(read_bytes(run + "/run.json"));
  EXPECT_EQ(json["sessions"].size(), 1U);
  EXPECT_EQ(json["sessions"][0]["ranks"], 1);
  EXPECT_THAT(html, HasSubstr("data.batch_size: 50\ndata.validation: 100\n"));
  EXPECT_THAT(html, HasSubstr("<summary>The whole recipe</summary>"));
  EXPECT_TRUE(fs::exists(run + "/report/loss.svg"));
  EXPECT_EQ(fs::exists(run + "/report/loss.png"), !in_path("gnuplot").empty());
}

// What cannot be said yet does not stand in the page's largest type.
TEST_F(ReportCommand, BelowFourEvaluationsTheVerdictIsAFact) {
  const std::string recipe = folder_.write_text("recipe.yaml", kRecipe);
  const Outcome outcome = run_program({"train", recipe, "-q", "--set", "train.duration=3ep",
                                       "--set", "output.dir=" + (folder_ / "runs")});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string html = read_bytes(folder_ / "runs/small/1/report.html");
  EXPECT_THAT(html, Not(HasSubstr("Verdict: ")));
  EXPECT_THAT(html, HasSubstr("<dt>verdict</dt><dd>too early to say: 3 evaluations"));
}

TEST_F(ReportCommand, RefusesAFolderThatIsNoRun) {
  const Outcome outcome = run_program({"report", folder_.path()});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("neither a run's folder"));
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1);
  EXPECT_EQ(run_program({"report"}).exit_code, 2);
}

TEST_F(ReportCommand, ThePageWorksInABrowserAndAsksForNothing) {
  if (browser().empty()) GTEST_SKIP() << "no chromium here: the page's script is not tried";
  const std::string run = train();
  ASSERT_EQ(run_program({"report", run}).exit_code, 0);
  const std::string html = read_bytes(run + "/report.html");
  const Outcome opened = open(folder_.write_text("probe.html", html + kProbe));
  ASSERT_EQ(opened.exit_code, 0) << opened.err;
  EXPECT_THAT(opened.err, Not(HasSubstr("CONSOLE")));
  EXPECT_EQ(attribute(opened.out, "requests"), "0");
  EXPECT_EQ(attribute(opened.out, "hidden"), "false");
  EXPECT_THAT(attribute(opened.out, "tip"),
              ::testing::ContainsRegex("step [0-9.,]+training[0-9.]+"));
  EXPECT_EQ(attribute(opened.out, "wide"), "");
}

// What keeps the page quiet is checked itself: a request and an error do show up in the log.
TEST_F(ReportCommand, APageThatAsksForMoreIsNoticed) {
  if (browser().empty()) GTEST_SKIP() << "no chromium here";
  const std::string run = train();
  ASSERT_EQ(run_program({"report", run}).exit_code, 0);
  const std::string more =
      "<img src=\"http://127.0.0.1:9/x.png\"><script>undefined_name()</script>";
  const Outcome opened =
      open(folder_.write_text("probe.html", read_bytes(run + "/report.html") + more));
  EXPECT_THAT(opened.err, HasSubstr("Content Security Policy"));
  EXPECT_THAT(opened.err, HasSubstr("undefined_name"));
}

}  // namespace
}  // namespace onecycle::testing
