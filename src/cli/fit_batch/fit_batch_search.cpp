#include "onecycle/error.h"

#include "cli/console.h"
#include "cli/fit_batch/fit_batch_child.h"
#include "cli/fit_batch/fit_batch_task.h"
#include "core/files/files.h"
#include "core/text/format.h"
#include "core/text/print.h"
#include "recipe/recipe_error.h"
#include "recipe/recipe_text.h"
#include "tuning/batch_size/batch_probe.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

void say_probe(const FitBatchTask& task, const BatchProbe& probe) {
  const Console console = task.line.console();
  if (console.terminal() && !console.quiet()) print(console.out(), "\r\x1b[K");
  if (probe.fits) {
    console.say(format("batch {:>8}  {:>9} samples/s, {} in use at most", grouped(probe.batch),
                       grouped(std::llround(probe.samples_per_second)),
                       bytes_text(probe.peak_bytes)));
  } else {
    console.say(format("batch {:>8}  does not fit: {}", grouped(probe.batch), probe.why));
  }
  if (!task.line.json()) return;
  print_json(Json{{"event", "probe"},
                  {"batch", probe.batch},
                  {"fits", probe.fits},
                  {"samples_per_second", probe.fits ? Json(probe.samples_per_second) : Json()},
                  {"peak_bytes", probe.fits ? Json(probe.peak_bytes) : Json()},
                  {"why", probe.fits ? Json() : Json(probe.why)}});
}

// Throws RecipeError where that is not even one unit.
std::int64_t largest_allowed(const FitBatchTask& task) {
  const std::int64_t samples =
      task.recipe.data.total_batch_size.value_or(task.num_train) / task.parts();
  const std::int64_t most = std::min(samples, task.options.most.value_or(samples));
  in_terms_of(task.recipe, [&] { require_a_size(most, task.unit()); });
  return most / task.unit() * task.unit();
}

Json curve(const FitBatchTask& task) {
  std::vector<BatchProbe> sorted = task.probes;
  std::sort(sorted.begin(), sorted.end(),
            [](const BatchProbe& a, const BatchProbe& b) { return a.batch < b.batch; });
  Json points = Json::array();
  for (const BatchProbe& probe : sorted)
    if (probe.fits) points.push_back({probe.batch, probe.samples_per_second});
  return points;
}

void print_choice(const FitBatchTask& task, const char* event, const BatchChoice& choice) {
  if (!task.line.json()) return;
  print_json(Json{{"event", event},
                  {"largest", choice.largest},
                  {"fastest", choice.fastest},
                  {"chosen", choice.chosen},
                  {"samples_per_second", curve(task)},
                  {"limit_bytes", task.limit_bytes}});
}

void say_choice(const FitBatchTask& task, const BatchChoice& choice, const Recipe& chosen) {
  const Console console = task.line.console();
  const std::int64_t allowed = largest_allowed(task);
  const std::int64_t ranks = task.group().size();
  console.say(format("largest    {} fits{}", grouped(choice.largest),
                     choice.largest < allowed ? "" : ", and no larger one was allowed"));
  console.say(
      format("fastest    {} is the smallest within 5 % of {} samples/s; other work on the "
             "machine disturbs these rates",
             grouped(choice.fastest), grouped(std::llround(choice.best_rate))));
  console.tell_result(format("choice     {}: {}", grouped(choice.chosen), why_chosen(choice)));
  console.say("rate       " + lr_rule_text(task.options.rule,
                                           total_batch(task.recipe, task.num_train, ranks),
                                           total_batch(chosen, task.num_train, ranks)));
}

// What the ranks' children found out.
void agree_on_run(FitBatchTask& task) {
  if (task.group().size() == 1) return;
  for (const auto& of_rank : task.group().all_gather(
           {static_cast<double>(task.num_train), static_cast<double>(task.limit_bytes)})) {
    task.num_train = std::max(task.num_train, static_cast<std::int64_t>(of_rank[0]));
    task.limit_bytes = std::min(task.limit_bytes, static_cast<std::int64_t>(of_rank[1]));
  }
}

// Throws RecipeError where the ranks cannot share a total batch that is given, in passes of
// `batch`.
void require_shared(const FitBatchTask& task, std::int64_t batch) {
  if (task.recipe.data.total_batch_size && task.num_train > 0)
    (void)plan_steps(with_batch(task.recipe, batch, LrRule::none, task.num_train), task.num_train,
                     task.group().size());
}

BatchChoice choice_among(const FitBatchTask& task) {
  const std::int64_t samples = std::max<std::int64_t>(1, task.num_train);
  if (const auto total = task.recipe.data.total_batch_size)
    return choose_share(task.probes, samples, *total, task.group().size(), task.unit());
  return choose_batch(task.probes, samples, task.parts(), task.unit());
}

}  // namespace

void refuse_fitted_proxy(const Recipe& recipe) {
  if (recipe.train.has_proxy())
    throw recipe_error(recipe, "train.proxy.model",
                       "batches of a proxy's choice cannot be fitted; name data.batch_size, or "
                       "leave the proxy out: --set train.proxy.model=none");
}

Recipe with_any_batch(Recipe recipe) {
  if (!recipe.data.batch_size.automatic) return recipe;
  refuse_fitted_proxy(recipe);
  recipe.data.batch_size = {};
  return recipe;
}

bool probe_size(FitBatchTask& task, std::int64_t batch) {
  const Console console = task.line.console();
  if (console.terminal() && !console.quiet()) {
    print(console.out(), "\r\x1b[Kbatch {:>8}  trying ...", grouped(batch));
    std::fflush(console.out());
  }
  Json request = task.request(task.recipe);
  request["batch"] = batch;
  const ChildOutcome outcome = run_child(request, task.options.probe_seconds, false, task.stop);
  if (!outcome.built.is_null()) {
    task.num_train = outcome.built.at("train_samples");
    task.limit_bytes = outcome.built.at("limit_bytes");
  }
  BatchProbe probe;
  probe.batch = batch;
  probe.fits = !outcome.result.is_null();
  if (probe.fits) {
    probe.samples_per_second = outcome.result.at("samples_per_second");
    probe.peak_bytes = outcome.result.at("peak_bytes");
  } else {
    probe.why = outcome.why + (outcome.built.is_null() ? ", before the first step" : "");
  }
  agree(task.group(), probe);
  agree_on_run(task);
  say_probe(task, probe);
  task.probes.push_back(std::move(probe));
  return task.probes.back().fits;
}

std::string why_chosen(const BatchChoice& choice) {
  switch (choice.bound) {
    case BatchBound::steps_per_epoch:
      if (choice.chosen_steps < kFewestSteps)
        return format(
            "{} steps an epoch; decided by the {} that it should have: no smaller one was tried",
            grouped(choice.chosen_steps), kFewestSteps);
      return format("{} steps an epoch; decided by the {} steps that an epoch should have",
                    grouped(choice.chosen_steps), kFewestSteps);
    case BatchBound::total:
      return format(
          "{} steps an epoch; decided by data.total_batch_size: the ranks share it in the "
          "fewest equal passes that fit",
          grouped(choice.chosen_steps));
    case BatchBound::limit:
      return format("{} steps an epoch; decided by the largest: larger ones may still be faster",
                    grouped(choice.chosen_steps));
    case BatchBound::throughput:
      break;
  }
  return format("{} steps an epoch; decided by the throughput: larger ones are hardly faster",
                grouped(choice.chosen_steps));
}

BatchChoice search_batch(FitBatchTask& task) {
  const std::int64_t whole = task.recipe.data.total_batch_size.value_or(1);
  require_shared(task, whole);
  // Where only the files tell how many samples there are, a child that reads them does.
  bool fits = task.num_train > 0 || probe_size(task, task.unit());
  if (fits) {
    require_shared(task, whole);
    const auto tried = [&](std::int64_t batch) {
      const bool again = !task.probes.empty() && task.probes.front().batch == batch;
      return again ? task.probes.front().fits : probe_size(task, batch);
    };
    fits = find_largest_batch(largest_allowed(task), tried, task.unit()) > 0;
  }
  const BatchChoice choice = choose_tried(
      task.probes, [&] { return choice_among(task); },
      [&](std::int64_t batch) { (void)probe_size(task, batch); });
  if (!fits || choice.largest == 0)
    throw Error(format("{}: {}; give it more memory, a smaller model or data.limit",
                       task.recipe.name,
                       nothing_fits(task.unit(), task.limit_bytes, task.probes.back().why)));
  require_shared(task, choice.chosen);
  return choice;
}

int fit_batch(FitBatchTask& task) {
  const BatchChoice choice = search_batch(task);
  const Recipe chosen = with_batch(task.recipe, choice.chosen, task.options.rule, task.num_train);
  say_choice(task, choice, chosen);
  if (!task.options.write.empty() && task.group().is_leader()) {
    write_file_atomically(task.options.write, {resolved_text(chosen, task.environment.registries)});
    task.line.console().say("written    " + task.options.write);
  }
  print_choice(task, "fitted", choice);
  return 0;
}

void say_partial(const FitBatchTask& task) {
  const BatchChoice choice = choice_among(task);
  const Console console = task.line.console();
  if (console.terminal() && !console.quiet()) print(console.out(), "\r\x1b[K");
  if (choice.largest > 0)
    console.say(format("so far     {} fits; {} is the smallest within 5 % of {} samples/s",
                       grouped(choice.largest), grouped(choice.fastest),
                       grouped(std::llround(choice.best_rate))));
  print_choice(task, "interrupted", choice);
}

}  // namespace onecycle
