#include "observe/progress.h"

#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "core/text/print.h"
#include "core/text/printable.h"

#include <algorithm>
#include <cmath>
#include <sys/ioctl.h>

namespace onecycle {

namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kPlainLine = std::chrono::seconds(10);
constexpr int kBarCells = 20;

// " acc 89.35%", each metric behind `gap`.
std::string metrics_text(const std::vector<Metric>& metrics, const Score& score, const char* gap) {
  std::string text;
  for (std::size_t i = 0; i < metrics.size() && i < score.metrics.size(); ++i) {
    if (std::isnan(score.metrics[i])) continue;  // not known
    const std::string number = metric_number(metrics[i], score.metrics[i]);
    text += gap + metrics[i].label +
            (metrics[i].is_fraction ? format(" {:>5}%", number) : " " + number);
  }
  return text;
}

std::string filled_bar(double share) {
  const int filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * kBarCells));
  std::string text;
  for (int i = 0; i < kBarCells; ++i) text += i < filled ? "█" : "░";
  return text;
}

int terminal_columns(std::FILE* out) {
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

// Cut to `columns` characters; counts UTF-8 characters, not bytes.
std::string clipped(const std::string& text, int columns) {
  int shown = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
    if (shown++ == columns) return text.substr(0, i);
  }
  return text;
}

}  // namespace

std::string duration_text(double seconds) {
  constexpr double kLongest = 1e15;  // no count of seconds beyond it has a meaning, or fits
  const auto whole = std::llround(std::clamp(seconds, 0.0, kLongest));
  if (whole < 60) return format("{}s", whole);
  if (whole < 3600) return format("{}m {:02}s", whole / 60, whole % 60);
  return format("{}h {:02}m", whole / 3600, whole / 60 % 60);
}

void Progress::on_run_begin(const RunBegin& event) {
  run_ = event;
  first_step_ = event.first_step;
  started_ = drawn_ = Clock::now();
}

std::string Progress::status(const BatchEnd& event) const {
  const double done = static_cast<double>(event.step + 1 - first_step_);
  const double elapsed = std::chrono::duration<double>(Clock::now() - started_).count();
  const double left = elapsed / done * static_cast<double>(run_.total_steps - event.step - 1);
  std::string text;
  if (logged_)
    text += format("loss {:.4f}{}  ", logged_->train.loss,
                   metrics_text(run_.metrics, logged_->train, "  "));
  if (logged_ && logged_->scaling && logged_->scaling->skipped_steps > 0)
    text += format("skipped {}  ", logged_->scaling->skipped_steps);
  text += format("lr {:.4g}  mom {:.3g}  ", event.hyper.lr, event.hyper.momentum);
  if (samples_per_second_ > 0) text += format("{:.0f} samples/s  ", samples_per_second_);
  return text + "ETA " + duration_text(left);
}

std::string Progress::bar(const BatchEnd& event) const {
  const double share = static_cast<double>(event.step + 1) / static_cast<double>(run_.total_steps);
  return format("{} {:3.0f}%  {}", filled_bar(share), 100 * share, status(event));
}

void Progress::on_batch_end(const BatchEnd& event) {
  const auto now = Clock::now();
  if (now - drawn_ < (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kPlainLine))) return;
  drawn_ = now;
  if (terminal_) {
    const std::string text = clipped(bar(event), terminal_columns(out_) - 1);
    print(out_, "\r\x1b[K{}", text);
    bar_shown_ = true;
  } else {
    print(out_, "step {}/{}  {}\n", event.step + 1, run_.total_steps, status(event));
  }
}

void Progress::on_log_point(const LogPoint& point, StopSignal&) {
  constexpr double kKeep = 0.8;
  samples_per_second_ = samples_per_second_ == 0
                            ? point.samples_per_second
                            : kKeep * samples_per_second_ + (1 - kKeep) * point.samples_per_second;
  logged_ = point;
}

std::string Progress::score_text(const char* split, const std::optional<Score>& score) const {
  if (!score) return "";
  return format("  {} loss {:.4f}{}", split, score->loss, metrics_text(run_.metrics, *score, " "));
}

void Progress::on_evaluated(const Evaluated& event, StopSignal&) {
  erase_bar();
  print(out_, "epoch {:<5.4g}{}{}{}  lr {:.4g}  {}\n", event.epoch,
        score_text("train", event.train), score_text("val", event.validation),
        score_text("test", event.test), event.hyper.lr, duration_text(event.seconds));
  // In words, when it changes.
  if (event.verdict && event.verdict->judgement != judgement_) {
    judgement_ = event.verdict->judgement;
    print(out_, "            {}\n", event.verdict->text);
  }
}

void Progress::on_notice(const Notice& notice) {
  if (notice.kind == Notice::Kind::checkpoint && !verbose_) return;
  if (notice.kind == Notice::Kind::proxy) started_ = Clock::now();  // the run's own steps follow
  erase_bar();
  const bool plain = notice.kind == Notice::Kind::resumed;
  print(out_, "{}{}\n", plain ? "" : std::string(name_of(notice.kind)) + ": ",
        visible(notice.message));
  std::fflush(out_);
}

void Progress::restore(const std::string&, std::int64_t steps) {
  first_step_ = steps;
  started_ = Clock::now();
}

void Progress::on_run_end(const RunEnd&) { erase_bar(); }

void Progress::erase_bar() {
  if (bar_shown_) print(out_, "\r\x1b[K");
  bar_shown_ = false;
}

}  // namespace onecycle
