#include "onecycle/compute.h"
#include "onecycle/error.h"

#include "cli/fit_batch/settle_batch.h"
#include "cli/resume.h"
#include "cli/run_folder.h"
#include "cli/seeds.h"
#include "cli/session.h"
#include "core/text/format.h"
#include "core/text/number.h"

namespace onecycle {

namespace {

constexpr const char* kTrainExamples = R"(  onecycle train recipes/quickstart.yaml
  onecycle train recipes/quickstart.yaml --set seed=2 --set train.duration=10ep
  onecycle train recipes/quickstart.yaml --resume          go on with its latest run
  onecycle train --resume runs/quickstart/3                or with this one
  onecycle train --resume runs/quickstart/3 --set train.duration=8ep --extend new-cycle
  onecycle train recipes/quickstart.yaml --seeds 5         mean and spread over five seeds
  onecycle train recipes/cifar10-resnet20.yaml --dry-run
  onecycle train recipes/cifar10-resnet20.yaml --ranks gpus --max-restarts 3
  onecycle train recipes/quickstart.yaml --profile=50      where the time of 50 steps goes
  onecycle train recipes/quickstart.yaml --json | tail -n 1
SIGINT, SIGTERM and SIGHUP save and end the run, SIGUSR1 saves and goes on.
Exit codes: 0 done, 1 failed, 2 bad usage or recipe, 3 diverged, 130/143/129 interrupted.
)";

// A checkpoint holds every weight: the file that the run began with need not be there any more.
RecipeRun build_resumed(const Resumed& resumed, const Environment& environment) {
  RecipeRun run =
      build(resumed.start.snapshot ? without_initial_weights(resumed.recipe, environment)
                                   : resumed.recipe,
            environment);
  run.recipe = resumed.recipe;
  return run;
}

// `arguments` as for find_run.
int resume(const std::vector<std::string>& arguments, const Session& session) {
  const Resumed resumed = find_run(arguments, session);
  require_precision(resumed.recipe.train.compute(), session.group().local_rank());
  RecipeRun run = build_resumed(resumed, session.environment());
  const Console console = session.console();
  describe(run, console);
  if (resumed.start.snapshot && resumed.steps >= run.steps.total_steps) {
    console.say(
        format("{} is trained to its end, step {}; to train on: --set train.duration=… --extend "
               "stretch, hold or new-cycle",
               resumed.start.folder, resumed.steps));
    return 0;
  }
  compare_machines(run, resumed.start.snapshot, console);
  if (session.line().has("dry-run")) return 0;
  return train_run(run, resumed.start, session).exit_code;
}

std::int64_t seeds_of(const CommandLine& line) {
  const auto count = parse_integer(line.text("seeds"));
  if (!count || *count < 1) line.misused("--seeds: expected a number of seeds, at least 1");
  return *count;
}

}  // namespace

int train_command(int argc, char** argv) {
  CommandLine line("train", "Trains what a recipe describes.",
                   "RECIPE [--set KEY=VALUE]... [--resume [RUN_DIR]] [--seeds N] [--ranks N]",
                   kTrainExamples);
  line.add_positional();
  line.add_set();
  line.add_flag("dry-run", "read the data, make the model, say what would run, and stop");
  line.add_flag("resume", "go on with the recipe's latest run, or the run whose folder is given");
  line.add_option("extend", "HOW",
                  "when a resumed run's train.duration changed: stretch, hold or new-cycle");
  line.add_option("seeds", "N",
                  "train with N seeds, counted up from the recipe's; mean and spread");
  line.add_option_or("profile", "STEPS", "20",
                     "profile this many steps after the first ten: profile.json (a Chrome trace) "
                     "and profile.txt in the run's folder; the run goes on");
  add_ranks(line);
  if (!line.parse(argc, argv)) return 0;
  if (const auto code = launch_ranks(line, argc, argv)) return *code;
  profiled_steps(line);

  if (line.has("extend") && !line.has("resume")) line.misused("--extend belongs to --resume");
  const bool resumes = line.has("resume") && !line.has("seeds");
  Session session = resumes ? Session(line) : Session(line, line.single("RECIPE"));
  if (!folder_to_resume().empty() && !line.has("seeds"))
    return resume({folder_to_resume()}, session);
  if (resumes) return resume(line.positional(), session);
  const Recipe recipe = settle_batch(session.recipe(), session).recipe;
  if (line.has("seeds") && !line.has("dry-run"))
    return train_seeds(recipe, seeds_of(line), session);
  RecipeRun run = build(recipe, session.environment());
  describe(run, session.console());
  if (line.has("dry-run")) return 0;
  const std::string folder = create_run_folder(recipe, session.group());
  session.announce_folder(folder);
  return train_run(run, {folder, std::nullopt}, session).exit_code;
}

}  // namespace onecycle
