#include "cli/train_run.h"

#include "onecycle/predict.h"

#include "cli/report_page.h"
#include "cli/run_folder.h"
#include "cli/signals.h"
#include "core/files.h"
#include "core/format.h"
#include "observe/csv.h"
#include "observe/divergence.h"
#include "observe/early_stop.h"
#include "observe/json_lines.h"
#include "observe/progress.h"

#include <iostream>

namespace onecycle {

namespace {

int exit_code(const RunEnd& end, const StopSignal& stop) {
  switch (end.reason) {
    case StopReason::finished:
    case StopReason::early_stopped:
      return 0;
    case StopReason::diverged:
      return 3;
    case StopReason::interrupted:
      return 128 + stop.signal_number();
    case StopReason::out_of_memory:
      return 1;
  }
  return 1;
}

void say_end(const RunEnd& end, const std::string& folder, const Console& console) {
  if (end.reason != StopReason::finished)
    fmt::print(stderr, "onecycle: {}: {}\n", name_of(end.reason), end.message);
  if (end.reason == StopReason::interrupted)
    console.say(
        format("step {} is saved; go on with: onecycle train --resume {}", end.steps, folder));
  if (end.verdict && end.reason != StopReason::diverged)
    console.say(format("verdict    {}", end.verdict->text));
  if (end.reason == StopReason::finished || end.reason == StopReason::early_stopped)
    console.say(format("done in {} ({} of it training); weights in {}", duration_text(end.seconds),
                       duration_text(end.train_seconds), weights_path(folder)));
}

}  // namespace

RunResult train_run(Run& run, const RunStart& start, const Registries& registries,
                    const CommandLine& line) {
  const Console console = line.console();
  const std::string& folder = start.folder;
  console.say(format("run        {}", folder));
  const FolderLock lock(folder);
  const std::string recipe = resolved_text(run.recipe, registries);
  write_file_atomically(recipe_path(folder), {recipe});

  Trainer trainer(run);
  CheckpointFolder checkpoints(checkpoints_path(folder), run.recipe.output.keep,
                               {{"format", "onecycle"},
                                {"recipe", recipe},
                                {"machine", machine_text(run.compute)},
                                {"task", to_json(task_of(run, registries))}});
  trainer.keep_checkpoints_in(checkpoints);
  const StopOptions& stop = run.recipe.stop;
  CsvWriter csv(folder);
  EventLog events(folder);
  DivergenceWatch divergence(stop.divergence_factor, stop.divergence_window, run.context.classes);
  EarlyStop early(stop.patience.value_or(0), stop.min_delta, stop.monitor == Monitor::loss);
  Progress progress(console.out(), console.terminal(), console.verbose());
  JsonLines json(std::cout, folder);
  trainer.observe(csv);
  trainer.observe(events);
  trainer.observe(divergence);
  if (stop.patience) trainer.observe(early);
  if (!console.quiet()) trainer.observe(progress);
  if (line.json()) trainer.observe(json);
  if (start.snapshot) {
    trainer.resume(*start.snapshot, checkpoints_path(folder));
  } else {
    csv.restore("", 0);  // rows of a session that ended before its first checkpoint
  }

  const SignalScope signals(trainer.stop());
  RunResult result;
  result.end = trainer.fit();
  result.exit_code = exit_code(result.end, trainer.stop());
  report_at_end(folder, /*pictures=*/false, console);
  say_end(result.end, folder, console);
  return result;
}

}  // namespace onecycle
