#include "onecycle/error.h"

#include "cli/console.h"
#include "cli/fit_batch/fit_batch_child.h"
#include "cli/fit_batch/fit_batch_task.h"
#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/metric_text.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

// A run at equal time is planned for just that time; one that falls behind this far is cut.
constexpr double kGrace = 1.1;

struct ComparedBatch {
  std::int64_t batch = 0;
  Json result;  // as fit_batch_measure.cpp prints it; null where there is none
  std::string why;
};

std::string score_text(const FitBatchTask& task, const Json& value) {
  return task.metric && value.is_number() ? metric_text(*task.metric, value.get<double>()) : "-";
}

void say_row(const FitBatchTask& task, const char* equal, const ComparedBatch& row) {
  if (row.result.is_null()) {
    task.line.console().say(format("{:>8}  no result: {}", grouped(row.batch), row.why));
  } else {
    const std::int64_t steps = row.result.at("steps");
    const std::int64_t planned = row.result.at("planned");
    task.line.console().say(format(
        "{:>8}  {:>10.4g}  {:>9}  {:>9.2f}  {:>10}  {:>9}{}", grouped(row.batch),
        row.result.at("lr_max").get<double>(), grouped(steps),
        row.result.at("seconds").get<double>(), score_text(task, row.result.at("validation")),
        score_text(task, row.result.at("test")),
        steps < planned ? format("  cut short of {} steps", grouped(planned)) : ""));
  }
  if (!task.line.json()) return;
  Json json = {{"event", "trial"}, {"equal", equal}, {"batch", row.batch}};
  const auto of_result = [&](const char* key) {
    return row.result.is_null() ? Json() : Json(row.result.at(key));
  };
  for (const char* key : {"lr_max", "steps", "planned", "seconds"}) json[key] = of_result(key);
  if (task.metric)
    for (const char* split : {"validation", "test"})
      json[format("{}_{}", split, task.metric->name)] = of_result(split);
  json["why"] = row.result.is_null() ? Json(row.why) : Json();
  print_json(json);
}

void say_head(const FitBatchTask& task, const std::string& title) {
  task.line.console().say(format("\n{}\n{:>8}  {:>10}  {:>9}  {:>9}  {:>10}  {:>9}", title, "batch",
                                 "lr", "steps", "seconds", "validation", "test"));
}

ComparedBatch train(FitBatchTask& task, const Recipe& recipe, std::optional<double> seconds) {
  const Console console = task.line.console();
  const bool progress = console.terminal() && !console.quiet();
  Json request = task.request(recipe);
  request["progress"] = progress;
  if (seconds) request["seconds"] = *seconds;
  ChildOutcome outcome = run_child(request, std::nullopt, progress, task.stop);
  if (says_no_metric(outcome.built))
    task.metric.reset();
  else if (!outcome.built.is_null())
    task.metric = metric_in(outcome.built);
  return {recipe.data.batch_size.count, std::move(outcome.result), std::move(outcome.why)};
}

void find_samples(FitBatchTask& task) {
  if (task.num_train == 0 && !probe_size(task, task.unit()))
    throw Error(task.recipe.name + ": " +
                nothing_fits(task.unit(), task.limit_bytes, task.probes.back().why));
  for (const std::int64_t batch : task.options.compare)
    if (batch * task.recipe.train.accumulate > task.num_train)
      task.line.misused(
          format("--compare: a batch of {} is more than the {} samples", batch, task.num_train));
}

// Trains again with as many steps as the measured speed allows in the time.
ComparedBatch train_within(FitBatchTask& task, const ComparedBatch& before, double seconds) {
  const double steps = before.result.at("steps").get<double>();
  const double own = before.result.at("seconds").get<double>();
  if (own <= seconds) return before;
  const auto planned = static_cast<std::int64_t>(std::floor(steps * seconds / own));
  return train(task,
               trial_recipe(task.recipe, before.batch, task.options.rule, task.num_train,
                            std::max<std::int64_t>(1, planned)),
               kGrace * seconds);
}

}  // namespace

int compare_batches(FitBatchTask& task) {
  if (task.group().size() > 1)
    task.line.misused("--compare trains in one process: leave out --ranks, or --compare");
  find_samples(task);
  const std::int64_t before = total_batch(task.recipe, task.num_train, /*ranks=*/1);
  for (const std::int64_t batch : task.options.compare)
    task.line.console().say(
        format("rate       {}: {}", batch,
               lr_rule_text(task.options.rule, before,
                            total_batch(with_batch(task.recipe, batch, LrRule::none, 0),
                                        task.num_train, /*ranks=*/1))));
  say_head(task, format("equal samples: {}", task.recipe.train.duration.text()));
  std::vector<ComparedBatch> rows;
  std::optional<double> fastest;
  for (const std::int64_t batch : task.options.compare) {
    rows.push_back(train(
        task, trial_recipe(task.recipe, batch, task.options.rule, task.num_train, std::nullopt),
        std::nullopt));
    say_row(task, "samples", rows.back());
    if (rows.back().result.is_null()) continue;
    const double seconds = rows.back().result.at("seconds");
    fastest = std::min(seconds, fastest.value_or(seconds));
  }
  if (!fastest) throw Error("none of the sizes trained to its end: " + rows.back().why);
  say_head(task, format("equal time: {:.2f} s of training", *fastest));
  for (const ComparedBatch& row : rows)
    if (!row.result.is_null()) say_row(task, "time", train_within(task, row, *fastest));
  task.line.console().say("\none run of each; the spread over seeds: " + program_name() +
                          " train --seeds");
  if (task.line.json())
    print_json(Json{{"event", "compared"},
                    {"sizes", task.options.compare},
                    {"seconds", *fastest},
                    {"limit_bytes", task.limit_bytes}});
  return 0;
}

}  // namespace onecycle
