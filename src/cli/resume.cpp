#include "cli/resume.h"

#include "onecycle/error.h"

#include "cli/run_folder.h"
#include "core/files/append_file.h"
#include "core/files/files.h"
#include "core/files/paths.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/printable.h"
#include "recipe/recipe_text.h"
#include "train/state/newest_checkpoint.h"
#include "train/state/shared_checkpoints.h"
#include "yaml/document.h"
#include "yaml/yaml.h"

#include <filesystem>

namespace onecycle {

namespace {

std::string folder_of(const std::vector<std::string>& arguments, const Recipe& recipe) {
  if (arguments.size() == 2) return arguments[1];
  const std::vector<std::string> folders = run_folders(recipe);
  if (folders.empty())
    throw UsageError(format("{}/{}: holds no run to resume; leave out --resume to start one",
                            recipe.output.dir, recipe.name));
  return folders.back();
}

Extend parse_extend(const std::string& text) {
  if (text == "stretch") return Extend::stretch;
  if (text == "hold") return Extend::hold;
  if (text == "new-cycle") return Extend::new_cycle;
  throw UsageError("--extend: expected stretch, hold or new-cycle, got " + text);
}

// A changed length needs a word on how the schedule goes on.
void extend(Recipe& recipe, const Recipe& before, std::int64_t ranks_before, const std::string& how,
            const Environment& environment) {
  const auto samples = planned_samples(recipe, environment);
  const std::int64_t guess = samples.value_or(std::int64_t{1} << 30);
  const StepPlan old_plan = plan_steps(before, guess, ranks_before);
  const StepPlan plan = plan_run(recipe, guess, environment).steps;
  if (plan.total_batch != old_plan.total_batch)
    throw RecipeError(format(
        "data.{}: a resumed run keeps its total batch of {}, not {}{}; set "
        "data.total_batch_size={}{}",
        plan.total_given ? "total_batch_size" : "batch_size", old_plan.total_batch,
        plan.total_batch,
        plan.ranks == ranks_before
            ? ""
            : format(" = {} ranks times {}", plan.ranks, plan.total_batch / plan.ranks),
        old_plan.total_batch, recipe.train.accumulate == 1 ? "" : " and train.accumulate=1"));
  if (plan.total_steps == old_plan.total_steps) {
    if (how.empty()) return;
    throw UsageError(
        "--extend: the run keeps its length; set a longer one: --set train.duration=…");
  }
  if (how.empty())
    throw UsageError(
        format("train.duration: the run was planned for {}, not {}; say how its schedule goes on: "
               "--extend stretch (as if planned so), hold (the last values stay) or new-cycle",
               before.train.duration.text(), recipe.train.duration.text()));
  recipe.train.extensions.push_back(
      {{static_cast<double>(old_plan.total_steps), Duration::Unit::steps}, parse_extend(how)});
}

std::int64_t ranks_of(const Snapshot& snapshot, const std::string& folder) {
  constexpr std::int64_t kMost = 1 << 20;
  const auto text = snapshot.metadata.find(kRanks);
  if (text == snapshot.metadata.end()) return 1;
  const auto ranks = parse_integer(text->second);
  if (ranks && *ranks >= 1 && *ranks <= kMost) return *ranks;
  throw CheckpointError(format(
      "{}: its checkpoint says that {} ranks made it, which is impossible; use an intact one",
      checkpoints_path(folder), printable(text->second)));
}

// The recipe's text names variables: what they stood for when the run was begun is gone.
void compare_environment(const Recipe& recipe, const Snapshot& snapshot, const Console& console) {
  const auto before = snapshot.metadata.find(kEnvironment);
  if (before == snapshot.metadata.end() || before->second == environment_digest(recipe)) return;
  console.warn(
      format("{}: not what the environment gave when the last checkpoint was made; the run "
             "goes on with the new values",
             environment_names(recipe)));
}

// What a killed process left half done: names of checkpoints, and the last row of a file. They are
// for readers, who look for themselves: the run needs none of them.
void mend(const std::string& folder, const Console& console) {
  try {
    mend_checkpoint_names(checkpoints_path(folder));
    for (const char* name : {"/steps.csv", "/metrics.csv", "/events.csv"})
      if (std::filesystem::exists(folder + name)) const AppendFile whole_rows(folder + name, "");
  } catch (const Error& error) {
    console.warn(error.what());
  }
}

std::optional<Snapshot> latest_here(const std::string& folder, const Console& console) {
  // Another process that holds the folder keeps its names in order itself.
  const auto lock = FolderLock::if_free(folder);
  std::vector<std::string> warnings;
  auto snapshot = read_newest_checkpoint(checkpoints_path(folder), warnings);
  for (const std::string& warning : warnings)
    console.warn(warning + "; the checkpoint before it is used");
  if (lock != nullptr) mend(folder, console);
  try {
    if (snapshot) (void)steps_of(*snapshot);
  } catch (const CheckpointError& error) {
    throw CheckpointError(format("{}: {}", checkpoints_path(folder), error.what()));
  }
  return snapshot;
}

Resumed find_here(const std::vector<std::string>& arguments, const Session& session) {
  const CommandLine& line = session.line();
  if (arguments.empty() || arguments.size() > 2)
    line.misused("--resume takes a run's folder, a recipe, or a recipe and a folder");
  Resumed resumed;
  const bool by_folder = arguments.size() == 1 && std::filesystem::is_directory(arguments[0]);
  if (by_folder) {
    resumed.start.folder = arguments[0];
  } else {
    resumed.recipe = load_recipe(arguments[0], line.overrides());
    resumed.start.folder = folder_of(arguments, resumed.recipe);
  }
  refuse_links_out_of(resumed.start.folder);
  const std::string own = recipe_path(resumed.start.folder);
  if (!std::filesystem::exists(own))
    throw UsageError(resumed.start.folder + ": is not a run's folder: it holds no recipe.yaml");
  const Recipe before = load_recipe(own, {});
  if (by_folder) resumed.recipe = load_recipe(own, line.overrides());
  resumed.recipe.train.extensions = before.train.extensions;

  const Console console = session.console();
  say_changes(before, resumed.recipe, session.registries(), console);
  resumed.start.snapshot = latest_here(resumed.start.folder, console);
  if (resumed.start.snapshot) compare_environment(before, *resumed.start.snapshot, console);
  const std::int64_t ranks_before = resumed.start.snapshot
                                        ? ranks_of(*resumed.start.snapshot, resumed.start.folder)
                                        : session.group().size();
  extend(resumed.recipe, before, ranks_before, line.text("extend"), session.environment());
  if (!resumed.start.snapshot)
    console.say(resumed.start.folder + " holds no checkpoint yet: starting from the beginning");
  return resumed;
}

}  // namespace

std::optional<Snapshot> latest_checkpoint(const std::string& folder, const Session& session) {
  return snapshot_from_leader(session.group(), [&] {
    refuse_links_out_of(folder);
    return latest_here(folder, session.console());
  });
}

Resumed find_run(const std::vector<std::string>& arguments, const Session& session) {
  Group& group = session.group();
  Resumed resumed;
  resumed.start.folder = from_leader(group, [&] {
    resumed = find_here(arguments, session);
    return resumed.start.folder;
  });
  const std::string recipe =
      from_leader(group, [&] { return resolved_text(resumed.recipe, session.registries()); });
  if (!group.is_leader())
    resumed.recipe = read_resolved(recipe, "rank 0's recipe", session.registries());
  resumed.start.snapshot =
      snapshot_from_leader(group, [&] { return std::move(resumed.start.snapshot); });
  if (resumed.start.snapshot) resumed.steps = steps_of(*resumed.start.snapshot);
  return resumed;
}

void compare_machines(const RecipeRun& run, const std::optional<Snapshot>& snapshot,
                      const Console& console) {
  if (!snapshot) return;
  const auto before = snapshot->metadata.find("machine");
  const std::string now = machine_text(run.compute);
  if (before == snapshot->metadata.end() || before->second == now) return;
  console.warn(
      format("the checkpoint was made on: {}; here: {}: the run goes on, but not bit for bit "
             "as it would have there",
             before->second, now));
}

}  // namespace onecycle
