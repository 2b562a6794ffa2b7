#include "cli/progress.h"

#include "core/text/format.h"
#include "core/text/print.h"
#include "observe/line.h"

#include <algorithm>
#include <chrono>
#include <memory>

namespace onecycle {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kFirst = std::chrono::seconds(2);  // shorter work says nothing
constexpr auto kOnTerminal = std::chrono::milliseconds(200);
constexpr auto kInPlain = std::chrono::seconds(5);

}  // namespace

StatusLine::StatusLine(const Console& console) : console_(console), next_(Clock::now() + kFirst) {}

StatusLine::~StatusLine() { clear(); }

void StatusLine::show(const std::string& text) {
  const auto now = Clock::now();
  if (console_.quiet() || now < next_) return;
  const bool terminal = console_.terminal();
  next_ = now + (terminal ? Clock::duration(kOnTerminal) : Clock::duration(kInPlain));
  print(console_.out(), "{}{}{}", terminal ? "\r\x1b[K" : "",
        terminal ? clipped(text, terminal_columns(console_.out()) - 1) : text,
        terminal ? "" : "\n");
  std::fflush(console_.out());
  shown_ = terminal;
}

void StatusLine::clear() {
  if (!shown_) return;
  print(console_.out(), "\r\x1b[K");
  std::fflush(console_.out());
  shown_ = false;
}

LoadWatch load_watch(const Console& console) {
  const auto line = std::make_shared<StatusLine>(console);
  LoadWatch watch;
  watch.progress = [line](const std::string& what, std::int64_t done, std::int64_t total) {
    line->show(format("{}: {} of {} ({:.0f} %)", what, grouped(done), grouped(total),
                      100.0 * static_cast<double>(done) / static_cast<double>(total)));
    if (done == total) line->clear();
  };
  watch.warn = [line, console](const std::string& text) {
    line->clear();
    console.warn(text);
  };
  return watch;
}

void StepProgress::on_run_begin(const RunBegin& event) { total_ = event.total_steps; }

void StepProgress::on_log_point(const LogPoint& point, StopSignal&) {
  const std::int64_t tenth = std::max<std::int64_t>(1, total_ / 10);
  if (!console_.terminal() || console_.quiet() || (point.step + 1) % tenth > point.step % tenth)
    return;
  print(console_.out(), "\r\x1b[K{}",
        fitted({{label_.empty() ? "" : "  " + label_},
                {format("  step {} of {}", point.step + 1, total_), 1},
                {format("  loss {:.4f}", point.train.loss), 2},
                {format("  lr {:.3g}", point.hyper.lr), 3}},
               terminal_columns(console_.out()) - 1));
  std::fflush(console_.out());
}

void StepProgress::on_run_end(const RunEnd&) {
  if (console_.terminal() && !console_.quiet()) print(console_.out(), "\r\x1b[K");
}

}  // namespace onecycle
