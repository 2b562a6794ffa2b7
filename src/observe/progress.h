#pragma once

#include "onecycle/events.h"

#include "observe/line.h"
#include "observe/time_left.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

// What a person sees of a run: a line an evaluation and, on a terminal, a bar that is redrawn in
// place; elsewhere a plain line every ten seconds. On a terminal lines are at most its width.
class Progress : public Observer {
 public:
  // `verbose`: checkpoints too.
  Progress(std::FILE* out, bool terminal, bool verbose)
      : out_(out), terminal_(terminal), verbose_(verbose) {}

  void on_run_begin(const RunBegin& event) override;
  void on_batch_end(const BatchEnd& event) override;
  void on_log_point(const LogPoint& point, StopSignal& stop) override;
  void on_evaluated(const Evaluated& event, StopSignal& stop) override;
  void on_notice(const Notice& notice) override;
  void on_run_end(const RunEnd& event) override;
  void restore(const std::string& state, std::int64_t steps) override;

  // Before somebody else writes a line.
  void make_room();

 private:
  using Clock = std::chrono::steady_clock;

  int columns() const;  // that a line may have
  // What is said at a step, the time left last.
  std::vector<LinePart> status(const BatchEnd& event) const;
  void draw_bar(const BatchEnd& event);
  std::string epoch_line(const Evaluated& event) const;
  // `rank`: of the first metric. `loss_rank`: of the loss, beside a metric.
  void add_metrics(std::vector<LinePart>& parts, const Score& score, const char* gap,
                   int rank) const;
  void add_score(std::vector<LinePart>& parts, const char* split, const std::optional<Score>& score,
                 int rank, int loss_rank) const;

  std::FILE* out_;
  bool terminal_;
  bool verbose_;
  RunBegin run_;
  TimeLeft time_left_;
  Judgement judgement_ = Judgement::too_early;
  std::optional<LogPoint> logged_;
  double samples_per_second_ = 0;  // smoothed over log points
  Clock::time_point drawn_;
  bool bar_shown_ = false;
};

// "7s", "3m 05s", "2h 10m"
std::string duration_text(double seconds);

}  // namespace onecycle
