#include "onecycle/error.h"

#include "cli/command.h"
#include "core/text/format.h"
#include "core/text/json_text.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "train/step/decay.h"

#include <algorithm>

namespace onecycle {

namespace {

constexpr const char* kScheduleExamples = R"(  onecycle schedule recipes/quickstart.yaml
  onecycle schedule recipes/quickstart.yaml --set schedule.policy=smith --csv > schedule.csv
  onecycle schedule my.yaml --samples 1281167
)";

constexpr std::int64_t kShownRows = 21;
constexpr std::int64_t kMostRows = 10'000'000;
constexpr int kBarCells = 40;

std::string bar(double share) {
  std::string text;
  for (int i = 0; i < static_cast<int>(std::lround(share * kBarCells)); ++i) text += "█";
  return text;
}

// The steps that are shown, evenly from the first to the last.
struct Rows {
  std::int64_t count = 1;
  std::int64_t total = 1;

  std::int64_t step(std::int64_t row) const {
    if (count == 1) return 0;
    const std::int64_t gaps = count - 1;
    return (total - 1) / gaps * row + (total - 1) % gaps * row / gaps;  // below 2^63: rows are few
  }
};

void print_csv(const RunPlan& plan, const Rows& rows) {
  print("step,lr,momentum,weight_decay\n");
  for (std::int64_t row = 0; row < rows.count; ++row) {
    const std::int64_t step = rows.step(row);
    const Hyper hyper = plan.schedule->at(step, rows.total);
    print("{},{},{},{}\n", step, number_text(hyper.lr), number_text(hyper.momentum),
          number_text(hyper.weight_decay));
  }
}

void print_json_rows(const RunPlan& plan, const Rows& rows) {
  for (std::int64_t row = 0; row < rows.count; ++row) {
    const std::int64_t step = rows.step(row);
    const Hyper hyper = plan.schedule->at(step, rows.total);
    print("{}\n", json_text(Json{{"event", "schedule"},
                                 {"step", step},
                                 {"lr", hyper.lr},
                                 {"momentum", hyper.momentum},
                                 {"weight_decay", hyper.weight_decay}}));
  }
}

void print_table(const RunPlan& plan, const Rows& rows, const Console& console) {
  const double peak = plan.optimizer.rule.lr_max;
  console.say(format("{} steps, {} an epoch, total batch {}; learning rate at most {:.4g}",
                     grouped(rows.total), grouped(plan.steps.steps_per_epoch),
                     grouped(plan.steps.total_batch), peak));
  console.say("decay: " + decay_text(*plan.schedule, plan.optimizer.rule, rows.total) + "\n");
  print("{:>9}  {:>7}  {:>10}  {:>8}  {:>12}\n", "step", "epoch", "lr", "momentum", "weight decay");
  for (std::int64_t row = 0; row < rows.count; ++row) {
    const std::int64_t step = rows.step(row);
    const Hyper hyper = plan.schedule->at(step, rows.total);
    const double epoch =
        static_cast<double>(step) / static_cast<double>(plan.steps.steps_per_epoch);
    print("{:>9}  {:>7.2f}  {:>10.4g}  {:>8.4f}  {:>12.3g}  {}\n", step, epoch, hyper.lr,
          hyper.momentum, hyper.weight_decay, bar(peak > 0 ? hyper.lr / peak : 0));
  }
}

Rows rows_of(const CommandLine& line, std::int64_t total) {
  const bool every = line.has("csv") || line.json();
  std::int64_t points = every ? total : kShownRows;
  if (line.has("points")) {
    const auto given = parse_integer(line.text("points"));
    if (!given || *given < 1 || *given > kMostRows)
      throw UsageError(format("onecycle schedule: --points: expected a number of rows, 1 to {}",
                              grouped(kMostRows)));
    points = *given;
  }
  const Rows rows{std::min(points, total), total};
  if (rows.count > kMostRows)
    throw UsageError(
        format("onecycle schedule: a row for each of {} steps is more than {} rows; add "
               "--points 1000 for as many steps, evenly spaced",
               grouped(total), grouped(kMostRows)));
  return rows;
}

std::int64_t samples_of(const CommandLine& line, const Recipe& recipe,
                        const Environment& environment) {
  if (line.has("samples")) {
    const auto given = parse_integer(line.text("samples"));
    if (!given || *given < 1)
      throw UsageError("onecycle schedule: --samples: expected a number of training samples");
    return *given;
  }
  const auto planned = planned_samples(recipe, environment);
  if (!planned)
    throw UsageError(
        "onecycle schedule: the data set does not say how many samples it has; add "
        "--samples N, the size of its training part");
  return *planned;
}

}  // namespace

int schedule_command(int argc, char** argv) {
  CommandLine line(
      "schedule",
      "Learning rate, momentum and weight decay over a run: reads no data, needs no GPU.",
      "RECIPE [--csv] [--points N] [--set KEY=VALUE]...", kScheduleExamples);
  line.add_positional();
  line.add_set();
  line.add_flag("csv", "step,lr,momentum,weight_decay of every step");
  line.add_option("points", "N",
                  "rows, evenly spaced from the first step to the last (default: 21, or every step "
                  "with --csv and --json)");
  line.add_option("samples", "N", "samples in the training part, if the data set does not say");
  if (!line.parse(argc, argv)) return 0;

  const Environment environment = shipped_environment();
  const Recipe recipe = load_recipe(line.single("RECIPE"), line.overrides());
  const RunPlan plan = plan_run(recipe, samples_of(line, recipe, environment), environment);
  const Rows rows = rows_of(line, plan.steps.total_steps);
  if (line.has("csv")) {
    print_csv(plan, rows);
  } else if (line.json()) {
    print_json_rows(plan, rows);
  } else {
    print_table(plan, rows, line.console());
  }
  return 0;
}

}  // namespace onecycle
