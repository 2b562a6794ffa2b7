#include "cli/fit_batch/fit_batch_child.h"
#include "cli/fit_batch/fit_batch_task.h"
#include "cli/process.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "core/text/format.h"
#include "recipe/recipe_text.h"

#include <algorithm>

namespace onecycle {

namespace {

constexpr const char* kFitBatchExamples = R"(  onecycle fit-batch recipes/quickstart.yaml
  onecycle fit-batch recipes/cifar10-resnet20.yaml --memory 4GiB --max 1024
  onecycle fit-batch recipes/quickstart.yaml --lr-rule linear --write fitted.yaml
  onecycle fit-batch recipes/quickstart.yaml --compare 128,256,512 --lr-rule sqrt
  onecycle fit-batch recipes/quickstart.yaml --json | tail -n 1
Every size is tried in a process of its own, by real training steps under the memory limit.
)";

void say_start(const FitBatchTask& task) {
  const Console console = task.line.console();
  if (task.num_train > 0)
    console.say(format("data       {} samples to train on", grouped(task.num_train)));
  console.say(format("memory     {} for each size: {} less a margin of {:.3g} %",
                     bytes_text(task.limit_bytes),
                     task.options.memory ? "what --memory leaves" : "what is available",
                     100 * task.options.margin));
}

}  // namespace

std::int64_t FitBatchTask::own_memory() const {
  return available_host_memory() / group().local_size();
}

Json FitBatchTask::request(const Recipe& of) const {
  Json json = {{"recipe", resolved_text(of, environment.registries)},
               {"limit", limit_bytes},
               {"margin", options.margin}};
  if (options.memory) json["memory"] = *options.memory;
  return json;
}

int fit_batch_command(int argc, char** argv) {
  if (is_measuring_child(argc, argv)) end_without_memory(measure_in_child(argv[2]));
  CommandLine line("fit-batch", "The largest batch that fits, the fastest, and one to train with.",
                   "RECIPE [--memory 2GiB] [--max N] [--compare 128,256] [--set KEY=VALUE]...",
                   kFitBatchExamples);
  line.add_positional();
  line.add_set();
  line.add_option("memory", "SIZE", "use at most this much; default: what is available");
  line.add_option("margin", "SHARE", "of the memory that stays free (0.1)");
  line.add_option("max", "N", "try no larger batch");
  line.add_option("probe-seconds", "S", "a size that takes longer does not fit (120)");
  line.add_option("lr-rule", "RULE",
                  "for the learning rate when the batch changes: linear, sqrt or none (none)");
  line.add_option("compare", "N,N,...",
                  "train with each, over as many samples and in as much time, and compare");
  line.add_option("write", "FILE",
                  "write the recipe with the batch chosen, every default filled in");
  add_ranks(line);
  if (!line.parse(argc, argv)) return 0;
  if (const auto code = launch_ranks(line, argc, argv)) return *code;

  const FitBatchOptions options = fit_batch_options(line);
  const Session session(line, line.single("RECIPE"));
  if (session.recipe().data.batch_size.automatic && options.rule != LrRule::none)
    line.misused(
        "--lr-rule: data.batch_size is auto, so there is no batch that the rate belongs to");
  refuse_fitted_proxy(session.recipe());
  const Recipe recipe = with_any_batch(session.recipe());
  StopSignal stop;
  const SignalScope signals(stop);
  FitBatchTask task{line, options, session.environment(), recipe, stop};
  const std::int64_t available = task.own_memory();
  const std::int64_t memory = std::min(available, options.memory.value_or(available));
  task.limit_bytes = less_margin(memory, options.margin);
  task.num_train = planned_samples(recipe, session.environment()).value_or(0);
  say_start(task);
  try {
    return options.compare.empty() ? fit_batch(task) : compare_batches(task);
  } catch (const FitBatchInterrupted& interrupted) {
    if (options.compare.empty()) say_partial(task);
    return 128 + interrupted.signal_number;
  }
}

}  // namespace onecycle
