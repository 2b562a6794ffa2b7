#include "cli/command.h"
#include "cli/run_folder.h"
#include "core/format.h"
#include "observe/csv.h"
#include "observe/divergence.h"
#include "observe/json_lines.h"
#include "observe/progress.h"

#include <csignal>
#include <iostream>

namespace onecycle {

namespace {

constexpr const char* kExamples = R"(  onecycle train recipes/quickstart.yaml
  onecycle train recipes/quickstart.yaml --set seed=2 --set train.duration=10ep
  onecycle train recipes/cifar10-resnet20.yaml --dry-run
  onecycle train recipes/quickstart.yaml --json | tail -n 1
Exit codes: 0 done, 1 failed, 2 bad usage or recipe, 3 diverged, 130/143 interrupted.
)";

StopSignal* interrupted = nullptr;

// The first signal ends the run in order; a second one ends the program.
void on_signal(int number) {
  interrupted->interrupt(number);
  std::signal(number, SIG_DFL);
}

class SignalScope {
 public:
  explicit SignalScope(StopSignal& stop) {
    interrupted = &stop;
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
  }
  ~SignalScope() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    interrupted = nullptr;
  }
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;
};

void describe(const Run& run, const Console& console) {
  const DataSet& data = run.data;
  console.say(format("data       {}: {} train, {} validation, {} test; {}x{}x{}, {} classes",
                     data.name, grouped(data.train.size()), grouped(data.validation.size()),
                     grouped(data.test.size()), data.channels(), data.height(), data.width(),
                     data.classes.size()));
  const ModelSummary summary = summarise(*run.model, run.context);
  console.say(format(
      "model      {}: {} parameters, {:.4g} M multiply-adds and {:.4g} kB of "
      "activations a sample",
      run.recipe.model.name, grouped(summary.parameters), static_cast<double>(summary.macs) / 1e6,
      static_cast<double>(summary.activation_bytes) / 1e3));
  console.say(format("training   total batch {}, {} steps an epoch, {} steps ({})",
                     grouped(run.steps.total_batch), grouped(run.steps.steps_per_epoch),
                     grouped(run.steps.total_steps), run.recipe.train.duration.text()));
  console.say(format("schedule   {} to a learning rate of {:.4g}; {}", run.recipe.schedule.name,
                     run.rule.lr_max, run.recipe.optimizer.name));
  console.say(format("computing  {}", run.compute.summary));
}

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

int train(Run& run, const Registries& registries, const CommandLine& line) {
  const Console console = line.console();
  const std::string folder = create_run_folder(run.recipe, registries);
  console.say(format("run        {}", folder));

  Trainer trainer(run);
  CsvWriter csv(folder);
  DivergenceWatch divergence(run.recipe.stop.divergence_factor, run.context.classes);
  Progress progress(console.out(), console.terminal());
  trainer.observe(csv);
  trainer.observe(divergence);
  if (!console.quiet()) trainer.observe(progress);

  JsonLines json(std::cout, folder);
  if (line.json()) trainer.observe(json);
  RunEnd end;
  {
    const SignalScope signals(trainer.stop());
    end = trainer.fit();
  }
  const bool sound = end.reason != StopReason::diverged;
  if (sound) save_final_weights(run, end, folder, registries);
  if (end.reason != StopReason::finished)
    fmt::print(stderr, "onecycle: {}: {}\n", name_of(end.reason), end.message);
  if (sound)
    console.say(format("done in {} ({} of it training); weights in {}", duration_text(end.seconds),
                       duration_text(end.train_seconds), weights_path(folder)));
  return exit_code(end, trainer.stop());
}

}  // namespace

int train_command(int argc, char** argv) {
  CommandLine line("train", "Trains what a recipe describes.", "RECIPE [--set KEY=VALUE]...",
                   kExamples);
  line.add_positional();
  line.add_set();
  line.add_flag("dry-run", "read the data, make the model, say what would run, and stop");
  if (!line.parse(argc, argv)) return 0;

  const Registries registries = shipped_registries();
  const std::string path = line.single("RECIPE");
  Run run = build(load_recipe(path, line.overrides(), registries), registries);
  describe(run, line.console());
  if (line.has("dry-run")) return 0;
  return train(run, registries, line);
}

}  // namespace onecycle
