#include "cli/seeds.h"

#include "cli/batch_notes.h"
#include "cli/console.h"
#include "cli/resume.h"
#include "cli/run_folder.h"
#include "core/files/input_file.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/metric_text.h"
#include "recipe/recipe_text.h"
#include "train/state/shared_checkpoints.h"

#include <cmath>

namespace onecycle {

namespace {

struct Spread {
  double mean = 0;
  double deviation = 0;  // of the sample
  double low = 0;
  double high = 0;
};

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) spread.mean += value / n;
  for (const double value : values)
    spread.deviation += (value - spread.mean) * (value - spread.mean);
  spread.deviation = values.size() > 1 ? std::sqrt(spread.deviation / (n - 1)) : 0;
  spread.low = *std::min_element(values.begin(), values.end());
  spread.high = *std::max_element(values.begin(), values.end());
  return spread;
}

RunStart start_of(const Recipe& recipe, const Session& session) {
  Group& group = session.group();
  RunStart start;
  start.folder = from_leader(group, [&] {
    std::string found;
    if (!session.line().has("resume")) return found;
    const std::string wanted = resolved_text(recipe, session.registries());
    for (const std::string& folder : run_folders(recipe))
      if (are_alike(text_if_readable(recipe_path(folder)), wanted)) found = folder;
    return found;
  });
  if (start.folder.empty()) {
    start.folder = create_run_folder(recipe, group);
  } else {
    start.snapshot = latest_checkpoint(start.folder, session);
  }
  return start;
}

struct Column {
  const char* name;
  std::vector<double> values;
};

void add(Column& column, const std::optional<Score>& score, bool by_loss) {
  const double value = !score ? NAN : by_loss ? score->loss : score->metric();
  if (std::isfinite(value)) column.values.push_back(value);
}

void say(const std::vector<Column>& columns, const Metric& metric, std::int64_t runs,
         const CommandLine& line) {
  Json json = {{"event", "seeds"}, {"runs", runs}};
  const auto number = [&](double value) { return metric_number(metric, value); };
  for (const Column& column : columns) {
    if (column.values.empty()) continue;
    const Spread spread = spread_of(column.values);
    line.console().tell_result(format("{:<11}{} {} +- {} over {} seeds [{} to {}]", column.name,
                                      metric.name, metric_text(metric, spread.mean),
                                      number(spread.deviation), column.values.size(),
                                      number(spread.low), number(spread.high)));
    json[format("{}_{}", column.name, metric.name)] = {
        {"mean", spread.mean}, {"deviation", spread.deviation}, {"values", column.values}};
  }
  if (line.json()) print_json(json);
}

// They are the same of every seed.
void say_notes(const RecipeRun& run, const Console& console) {
  if (const std::string norms = norms_note(run); !norms.empty()) console.say("norms      " + norms);
  if (const std::string rate = rate_note(run); !rate.empty()) console.warn(rate);
}

}  // namespace

int train_seeds(const Recipe& base, std::int64_t count, const Session& session) {
  const Console console = session.console();
  std::vector<Column> columns = {{"train", {}}, {"validation", {}}, {"test", {}}};
  Metric metric = accuracy_metric();
  bool by_loss = false;  // the task has no metric
  int exit_code = 0;
  std::int64_t runs = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    Recipe recipe = base;
    recipe.seed = base.seed + i;
    console.say(format("seed       {} ({} of {})", recipe.seed, i + 1, count));
    const RunStart start = start_of(recipe, session);
    RecipeRun run = build(recipe, session.environment());
    if (i == 0) say_notes(run, console);
    const auto metrics = run.task->metrics();
    by_loss = metrics.empty();
    metric = by_loss ? Metric{"loss", "loss", false, false} : metrics.front();
    RunEnd end;
    if (start.snapshot && steps_of(*start.snapshot) >= run.steps.total_steps) {
      end = end_in(*start.snapshot);
      console.say(format("run        {}: finished before", start.folder));
    } else {
      compare_machines(run, start.snapshot, console);
      const RunResult result = train_run(run, start, session);
      if (result.end.reason == StopReason::interrupted) return result.exit_code;
      if (result.exit_code != 0) exit_code = result.exit_code;
      end = result.end;
    }
    if (end.reason == StopReason::diverged) continue;
    ++runs;
    add(columns[0], end.train, by_loss);
    add(columns[1], end.validation, by_loss);
    add(columns[2], end.test, by_loss);
  }
  say(columns, metric, runs, session.line());
  return exit_code;
}

}  // namespace onecycle
