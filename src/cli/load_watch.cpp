#include "cli/load_watch.h"

#include "core/text/format.h"
#include "core/text/print.h"

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
  print(console_.out(), "{}{}{}", terminal ? "\r\x1b[K" : "", text, terminal ? "" : "\n");
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

}  // namespace onecycle
