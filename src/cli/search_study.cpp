#include "cli/search_study.h"

#include "onecycle/compute.h"

#include "cli/run_folder.h"
#include "cli/signals.h"
#include "core/files/files.h"
#include "core/files/paths.h"
#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "observe/progress.h"
#include "recipe/recipe_text.h"
#include "study/search/search_report.h"

#include <algorithm>
#include <iostream>

namespace onecycle {

namespace {

void say_trial(const Study& study, const std::vector<TrialRow>& rows, const TrialRow& row,
               std::int64_t jobs, const CommandLine& line) {
  const Setting& setting = study.settings()[static_cast<std::size_t>(row.trial.setting)];
  const auto best = ranked(rows, study.goal());
  const Remaining left = remaining_of(study, rows);
  const std::string share =
      row.trial.share < 1 ? format(" in {:.3g} of the cycle", row.trial.share) : "";
  std::string text =
      format("trial {:>4}/{}  {}{}  {}", row.trial.number, study.planned_trials(),
             values_text(study.options().space, setting), share, outcome_text(row, study));
  if (!best.empty())
    text += format("; best: trial {}, {}", best.front().trial.number,
                   outcome_text(best.front(), study));
  if (left.lengths > 0)
    text += format("; ETA {}",
                   duration_text(left.lengths * left.seconds_each / static_cast<double>(jobs)));
  line.console().say(text);
  if (line.json()) std::cout << trial_json(study, row) << std::endl;
}

int conclude(Study& study, const CommandLine& line, const Registries& registries) {
  const auto rows = study.rows();
  const auto best = ranked(rows, study.goal());
  for (const std::string& text : table_of(study, rows)) line.console().say(text);
  std::string path;
  if (!best.empty()) {
    const Setting& setting = study.settings()[static_cast<std::size_t>(best.front().trial.setting)];
    const Recipe base = recipe_in(study, registries);
    const Recipe found = recipe_of(base, study.options().space, setting, registries);
    say_changes(base, found, registries, line.console());
    const std::string recipe = resolved_text(found, registries);
    path = study.folder() + "/best.yaml";
    write_file_atomically(path, {recipe});
    if (line.has("write")) write_file_atomically(line.text("write"), {recipe});
    line.console().tell_result(format("best       trial {}, {} ({}); train it with: {} train {}",
                                      best.front().trial.number, outcome_text(best.front(), study),
                                      values_text(study.options().space, setting), program_name(),
                                      path));
  }
  if (line.json())
    std::cout << searched_json(study, rows, best.empty() ? nullptr : &best.front(), path)
              << std::endl;
  if (!best.empty()) return 0;
  const bool diverged = std::all_of(rows.begin(), rows.end(), [](const TrialRow& row) {
    return row.state == TrialState::diverged;
  });
  print(stderr, "onecycle: none of {} trials finished; the first: {}\n", rows.size(),
        visible(rows.front().reason));
  return diverged ? 3 : 1;
}

// Trials under other numbers could not be compared with those that are done.
void require_environment(const Study& study, const Recipe& base) {
  const auto& before = study.environment();
  if (!before || *before == environment_digest(base)) return;
  throw UsageError(
      format("{}: {}: not what the environment gave when the study was begun: set it as it was, or "
             "start a new study",
             study.folder(), environment_names(base)));
}

}  // namespace

std::int64_t search_jobs(const CommandLine& line) {
  constexpr std::int64_t kMostJobs = 1024;
  const auto jobs = parse_integer(line.text("jobs", "1"));
  if (!jobs || *jobs < 1 || *jobs > kMostJobs)
    line.misused("--jobs: expected a number of processes, at least 1");
  return *jobs;
}

Recipe recipe_in(const Study& study, const Registries& registries) {
  return read_resolved(study.recipe(), study.folder() + "/study.db", registries);
}

std::vector<Recipe> computing_variants(const Recipe& base, const SearchOptions& options,
                                       const Registries& registries) {
  SearchOptions grid;
  grid.method = SearchMethod::grid;
  for (const Axis& axis : options.space.axes)
    if (axis.key == "train" || axis.key == "train.device" || axis.key == "train.precision")
      grid.space.axes.push_back(axis);
  if (grid.space.axes.empty()) return {base};
  std::vector<Recipe> variants;
  for (const Setting& setting : settings_of(grid))
    variants.push_back(recipe_of(base, grid.space, setting, registries));
  return variants;
}

void require_precisions(const Recipe& base, const SearchOptions& options,
                        const Environment& environment) {
  for (const Recipe& variant : computing_variants(base, options, environment.registries))
    require_precision(variant.train.compute(), environment.group->local_rank());
}

int run_study(const std::string& folder, std::int64_t jobs, RemoteWorkers* others,
              const CommandLine& line, const Environment& environment) {
  refuse_links_out_of(folder);
  const FolderLock lock(folder);
  Study study(folder);
  const Recipe base = recipe_in(study, environment.registries);
  require_environment(study, base);
  require_precisions(base, study.options(), environment);
  line.console().say(format("study      {}", folder));
  const auto write_csv = [&](const std::vector<TrialRow>& rows) {
    write_file_atomically(folder + "/trials.csv", {csv_of(study, rows)});
  };
  StopSignal stop;
  const SignalScope signals(stop);
  WorkerPool pool(
      folder, [&](std::int64_t worker) { return worker_arguments(folder, worker, jobs); },
      [&](const std::string& text) { line.console().warn(text); });
  const int signal = drive(study, pool, others, jobs, stop,
                           [&](const std::vector<TrialRow>& rows, const TrialRow& row) {
                             say_trial(study, rows, row, jobs, line);
                             write_csv(rows);
                           });
  write_csv(study.rows());
  if (signal == 0) return conclude(study, line, environment.registries);
  const auto rows = study.rows();
  const auto ended =
      std::count_if(rows.begin(), rows.end(), [](const TrialRow& row) { return row.ended(); });
  print(stderr, "onecycle: interrupted after {} of {} trials; go on with: {} search --resume {}\n",
        ended, study.planned_trials(), visible(program_name()), visible(folder));
  return 128 + signal;
}

}  // namespace onecycle
