#include "observe/progress.h"

#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "observe/line.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kPlainLine = std::chrono::seconds(10);
constexpr int kBarCells = 20;
constexpr int kNarrow = 60;  // columns below which a bar has half its cells

// "acc 89.35%"
std::string metric_part(const Metric& metric, double value) {
  const std::string number = metric_number(metric, value);
  return metric.label + (metric.is_fraction ? format(" {:>5}%", number) : " " + number);
}

bool has_metric(const std::vector<Metric>& metrics, const Score& score) {
  return !metrics.empty() && !score.metrics.empty() && !std::isnan(score.metrics.front());
}

// What is left out of a line sooner has the higher rank. Of an epoch's line the score that the run
// is judged by stays, of a bar the first metric, the share and the time left.
namespace ranks {
constexpr int kStays = 0;
constexpr int kTest = 1;     // beside a validation part
constexpr int kSeconds = 2;  // of an epoch's line
constexpr int kTrain = 3;
constexpr int kLoss = 4;  // beside a metric
constexpr int kTestLoss = 5;
constexpr int kTrainLoss = 6;
constexpr int kOtherMetrics = 7;
constexpr int kHyper = 8;

constexpr int kBar = 1;
constexpr int kSkipped = 2;
constexpr int kBarLoss = 3;
constexpr int kRate = 4;
constexpr int kSpeed = 5;
constexpr int kMomentum = 6;
}  // namespace ranks

std::string filled_bar(double share, int cells) {
  const int filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * cells));
  std::string text;
  for (int i = 0; i < cells; ++i) text += i < filled ? "█" : "░";
  return text;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
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
  drawn_ = Clock::now();
  time_left_.begin(event, seconds_now());
}

int Progress::columns() const { return terminal_ ? terminal_columns(out_) - 1 : kAnyWidth; }

std::vector<LinePart> Progress::status(const BatchEnd& event) const {
  std::vector<LinePart> parts;
  if (logged_) {
    const Score& train = logged_->train;
    const bool by_metric = has_metric(run_.metrics, train);
    parts.push_back(
        {format("  loss {:.4f}", train.loss), by_metric ? ranks::kBarLoss : ranks::kStays});
    add_metrics(parts, train, "  ", ranks::kStays);
    if (logged_->scaling && logged_->scaling->skipped_steps > 0)
      parts.push_back({format("  skipped {}", logged_->scaling->skipped_steps), ranks::kSkipped});
  }
  parts.push_back({format("  lr {:.4g}", event.hyper.lr), ranks::kRate});
  parts.push_back({format("  mom {:.3g}", event.hyper.momentum), ranks::kMomentum});
  if (samples_per_second_ > 0)
    parts.push_back({format("  {:.0f} samples/s", samples_per_second_), ranks::kSpeed});
  const auto left = time_left_.seconds();
  parts.push_back({"  ETA " + (left ? duration_text(*left) : "-")});
  return parts;
}

void Progress::draw_bar(const BatchEnd& event) {
  const double share = static_cast<double>(event.step + 1) / static_cast<double>(run_.total_steps);
  const int width = columns();
  std::vector<LinePart> parts = {
      {filled_bar(share, width < kNarrow ? kBarCells / 2 : kBarCells), ranks::kBar},
      {format(" {:3.0f}%", 100 * share)}};
  for (LinePart& part : status(event)) parts.push_back(std::move(part));
  print(out_, "\r\x1b[K{}", fitted(parts, width));
  bar_shown_ = true;
}

void Progress::on_batch_end(const BatchEnd& event) {
  time_left_.stepped(event.step + 1, seconds_now());
  const auto now = Clock::now();
  if (now - drawn_ < (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kPlainLine))) return;
  drawn_ = now;
  if (terminal_) return draw_bar(event);
  print(out_, "step {}/{}  {}\n", event.step + 1, run_.total_steps,
        fitted(status(event), kAnyWidth));
}

void Progress::on_log_point(const LogPoint& point, StopSignal&) {
  constexpr double kKeep = 0.8;
  time_left_.logged(point.step + 1, seconds_now());
  samples_per_second_ = samples_per_second_ == 0
                            ? point.samples_per_second
                            : kKeep * samples_per_second_ + (1 - kKeep) * point.samples_per_second;
  logged_ = point;
}

// All but the first metric are of a rank of their own.
void Progress::add_metrics(std::vector<LinePart>& parts, const Score& score, const char* gap,
                           int rank) const {
  for (std::size_t i = 0; i < run_.metrics.size() && i < score.metrics.size(); ++i) {
    if (std::isnan(score.metrics[i])) continue;  // not known
    parts.push_back({gap + metric_part(run_.metrics[i], score.metrics[i]),
                     i == 0 ? rank : ranks::kOtherMetrics});
  }
}

void Progress::add_score(std::vector<LinePart>& parts, const char* split,
                         const std::optional<Score>& score, int rank, int loss_rank) const {
  if (!score) return;
  parts.push_back({format("  {}", split), rank});
  parts.push_back(
      {format(" loss {:.4f}", score->loss), has_metric(run_.metrics, *score) ? loss_rank : rank});
  add_metrics(parts, *score, " ", rank);
}

std::string Progress::epoch_line(const Evaluated& event) const {
  const bool judged_by_test = !event.validation && event.test;
  const bool judged_by_train = !event.validation && !event.test;
  std::vector<LinePart> parts = {{format("epoch {:<5.4g}", event.epoch)}};
  add_score(parts, "train", event.train, judged_by_train ? ranks::kStays : ranks::kTrain,
            judged_by_train ? ranks::kLoss : ranks::kTrainLoss);
  add_score(parts, "val", event.validation, ranks::kStays, ranks::kLoss);
  add_score(parts, "test", event.test, judged_by_test ? ranks::kStays : ranks::kTest,
            judged_by_test ? ranks::kLoss : ranks::kTestLoss);
  parts.push_back({format("  lr {:.4g}", event.hyper.lr), ranks::kHyper});
  parts.push_back({"  " + duration_text(event.seconds), ranks::kSeconds});
  return fitted(parts, columns());
}

void Progress::on_evaluated(const Evaluated& event, StopSignal&) {
  time_left_.evaluated(event.test.has_value(), seconds_now());
  make_room();
  print(out_, "{}\n", epoch_line(event));
  // In words, when it changes.
  if (event.verdict && event.verdict->judgement != judgement_) {
    judgement_ = event.verdict->judgement;
    constexpr int kIndent = 12;
    print(out_, "{}\n",
          wrapped(format("{:{}}{}", "", kIndent, event.verdict->text), columns(), kIndent));
  }
}

void Progress::on_notice(const Notice& notice) {
  if (notice.kind == Notice::Kind::checkpoint && !verbose_) return;
  // The run's own steps follow.
  if (notice.kind == Notice::Kind::proxy) time_left_.begin(run_, seconds_now());
  make_room();
  const bool plain = notice.kind == Notice::Kind::resumed;
  const std::string text = plain ? "" : std::string(name_of(notice.kind)) + ": ";
  print(out_, "{}\n", wrapped(text + visible(notice.message), columns(), 0));
  std::fflush(out_);
}

void Progress::restore(const std::string&, std::int64_t steps) {
  time_left_.restart(steps, seconds_now());
}

void Progress::on_run_end(const RunEnd&) { make_room(); }

void Progress::make_room() {
  if (bar_shown_) print(out_, "\r\x1b[K");
  bar_shown_ = false;
}

}  // namespace onecycle
