// What is seen of a run on a terminal that is wide, usual or narrow, and elsewhere.

#include "observe/progress.h"

#include "observe/line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <string>
#include <unistd.h>

namespace onecycle {
namespace {

using testing::HasSubstr;
using testing::Not;

// A terminal of so many columns.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) {
    winsize size{};
    size.ws_col = columns;
    size.ws_row = 24;
    int screen = -1;
    if (::openpty(&reader_, &screen, nullptr, nullptr, &size) != 0) return;
    out_ = ::fdopen(screen, "w");
  }
  ~Terminal() {
    if (out_ != nullptr) std::fclose(out_);
    ::close(reader_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::FILE* out() const { return out_; }
  // All that was printed, which is less than a terminal holds unread.
  std::string text() {
    std::fflush(out_);
    std::string bytes(4096, '\0');
    const auto count = ::read(reader_, bytes.data(), bytes.size());
    bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    std::erase(bytes, '\r');
    return bytes;
  }

 private:
  int reader_ = -1;
  std::FILE* out_ = nullptr;
};

const std::vector<Metric> kMetrics = {{"accuracy", "acc", true, true}};

RunBegin begun() {
  RunBegin event;
  event.total_steps = 1000;
  event.metrics = kMetrics;
  return event;
}

Evaluated evaluated_epoch() {
  Evaluated event;
  event.epoch = 12;
  event.hyper.lr = 0.08421;
  event.train = {0.1234, {0.9611}, 100};
  event.validation = Score{0.2345, {0.9522}, 100};
  event.test = Score{0.3456, {0.9433}, 100};
  event.seconds = 754;
  return event;
}

std::string epoch_line_at(unsigned short columns) {
  Terminal terminal(columns);
  if (terminal.out() == nullptr) return "";
  StopSignal stop;
  Progress progress(terminal.out(), /*terminal=*/true, /*verbose=*/false);
  progress.on_run_begin(begun());
  progress.on_evaluated(evaluated_epoch(), stop);
  return terminal.text();
}

// The characters were counted by hand.
TEST(Progress, AnEpochsLineLeavesOutTheLeastImportant) {
  if (Terminal(80).out() == nullptr) GTEST_SKIP() << "no pseudo-terminal to be had here";
  EXPECT_EQ(
      epoch_line_at(140),
      "epoch 12     train loss 0.1234 acc 96.11%  val loss 0.2345 acc 95.22%  test loss 0.3456 "
      "acc 94.33%  lr 0.08421  12m 34s\n");
  EXPECT_EQ(epoch_line_at(80),
            "epoch 12     train acc 96.11%  val acc 95.22%  test acc 94.33%  12m 34s\n");
  EXPECT_EQ(epoch_line_at(50), "epoch 12     val acc 95.22%  test acc 94.33%\n");
  EXPECT_EQ(epoch_line_at(30), "epoch 12     val acc 95.22%\n");
}

// Where nothing is measured but the loss, the loss stays.
TEST(Progress, AnEpochsLineKeepsWhatTheRunIsJudgedBy) {
  Terminal terminal(40);
  if (terminal.out() == nullptr) GTEST_SKIP() << "no pseudo-terminal to be had here";
  StopSignal stop;
  Progress progress(terminal.out(), /*terminal=*/true, /*verbose=*/false);
  RunBegin begin = begun();
  begin.metrics.clear();
  Evaluated event = evaluated_epoch();
  event.train.metrics.clear();
  event.validation = Score{0.2345, {}, 100};
  event.test.reset();
  progress.on_run_begin(begin);
  progress.on_evaluated(event, stop);
  EXPECT_EQ(terminal.text(), "epoch 12     val loss 0.2345  12m 34s\n");
}

std::string bar_at(unsigned short columns) {
  Terminal terminal(columns);
  if (terminal.out() == nullptr) return "";
  StopSignal stop;
  Progress progress(terminal.out(), /*terminal=*/true, /*verbose=*/false);
  progress.on_run_begin(begun());
  LogPoint point;
  point.train = {0.1234, {0.9611}, 100};
  point.samples_per_second = 123456;
  progress.on_log_point(point, stop);
  ::usleep(150'000);  // a bar is drawn every 100 ms at most
  BatchEnd end;
  end.step = 499;
  end.hyper = {.lr = 0.08421, .momentum = 0.915};
  progress.on_batch_end(end);
  return terminal.text();
}

TEST(Progress, ABarKeepsTheTimeLeftAndTheMetric) {
  if (Terminal(80).out() == nullptr) GTEST_SKIP() << "no pseudo-terminal to be had here";
  for (const unsigned short columns : {140, 80, 50, 30}) {
    std::string bar = bar_at(columns);
    ASSERT_TRUE(bar.starts_with("\x1b[K")) << bar;
    bar = bar.substr(3);
    EXPECT_LT(characters(bar), columns) << bar;
    EXPECT_THAT(bar, HasSubstr("50%  ")) << columns;
    EXPECT_THAT(bar, HasSubstr("acc 96.11%")) << columns;
    EXPECT_THAT(bar, HasSubstr("ETA ")) << columns;
    EXPECT_EQ(bar.find("mom 0.915") != std::string::npos, columns == 140) << bar;
    EXPECT_EQ(bar.find("lr 0.08421") != std::string::npos, columns >= 80) << bar;
    EXPECT_EQ(bar.find("█") != std::string::npos, columns >= 50) << bar;
  }
}

TEST(Progress, ElsewhereLinesAreWhole) {
  std::FILE* file = std::tmpfile();
  StopSignal stop;
  Progress progress(file, /*terminal=*/false, /*verbose=*/false);
  progress.on_run_begin(begun());
  progress.on_evaluated(evaluated_epoch(), stop);
  std::rewind(file);
  std::string text(400, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  EXPECT_THAT(text, HasSubstr("train loss 0.1234 acc 96.11%  val loss 0.2345 acc 95.22%  test loss "
                              "0.3456 acc 94.33%  lr 0.08421  12m 34s\n"));
}

TEST(Line, BreaksBetweenWords) {
  EXPECT_EQ(wrapped("    one two three", 12, 4), "    one two\n    three");
  EXPECT_EQ(wrapped("    incomprehensible two", 10, 4), "    incomprehensible\n    two");
  EXPECT_EQ(wrapped("one two", kAnyWidth, 4), "one two");
}

TEST(Line, CountsCharactersAndNotBytes) {
  EXPECT_EQ(characters("█░ é"), 4);
  EXPECT_EQ(clipped("█░ é", 2), "█░");
  EXPECT_EQ(fitted({{"██", 1}, {" 50%"}}, 6), "██ 50%");
  EXPECT_EQ(fitted({{"██", 1}, {" 50%"}}, 5), "50%");
}

// One stopping is told once: "interrupted: Ctrl-C".
TEST(StopSignal, DoesNotSayInterruptedAgain) {
  StopSignal stop;
  stop.interrupt(2);
  EXPECT_EQ(stop.reason(), StopReason::interrupted);
  EXPECT_THAT(stop.message(), Not(HasSubstr(name_of(StopReason::interrupted))));
}

}  // namespace
}  // namespace onecycle
