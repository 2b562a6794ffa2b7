#include "onecycle/error.h"

#include "cli/run_folder.h"
#include "cli/search_ranks.h"
#include "cli/search_study.h"
#include "cli/shipped.h"
#include "core/text/format.h"
#include "options/differences.h"
#include "recipe/recipe_text.h"
#include "study/search/search_report.h"
#include "yaml/document.h"

#include <filesystem>

namespace onecycle {

namespace {

constexpr const char* kSearchExamples = R"(  onecycle search recipes/search/quickstart-random.yaml
  onecycle search recipes/quickstart.yaml --space space.yaml --jobs 2
  onecycle search recipes/search/quickstart-random.yaml --ranks gpus     a trial at a time on each
  onecycle search recipes/quickstart.yaml --space space.yaml --set search.trials=50 --write tuned.yaml
  onecycle search --resume runs/quickstart-search/1        go on with this study
  onecycle search recipes/search/quickstart-random.yaml --json | tail -n 1
A space file, or the recipe itself, holds for example
  search:
    method: random            # grid, random or halving
    trials: 30
    space:
      schedule.lr_max: {log_uniform: [0.01, 1]}
      optimizer.weight_decay: [1e-3, 1e-4, 1e-5, 0]
Exit codes: 0 done, 1 failed, 2 bad usage or recipe, 3 every trial diverged, 130/143/129 interrupted.
)";

// What a study is made of.
struct Asked {
  Recipe recipe;
  SearchOptions options;
};

bool is_of_search(const std::string& assignment) {
  return assignment.starts_with("search.") || assignment.starts_with("search=");
}

Value section_of(Value& document, const CommandLine& line) {
  if (!line.has("space")) {
    if (auto section = take_search(document)) return *section;
    throw UsageError("the recipe has no `search` section; name a file that has one with --space");
  }
  const std::string path = line.text("space");
  (void)take_search(document);
  std::vector<std::string> overrides;
  for (const std::string& assignment : line.overrides())
    if (is_of_search(assignment)) overrides.push_back(assignment);
  Value space = load_document(recipe_file(path), overrides);
  auto section = take_search(space);
  for (const Value::Member& other : space.members)
    throw RecipeError(format("{}: {}: unknown key; a file for --space holds only `search`",
                             other.at.text(), other.key));
  if (!section) throw RecipeError(path + ": search: is required: what to search over");
  return *section;
}

Asked load_asked(const std::string& path, const CommandLine& line, const Environment& environment) {
  Value document = load_document(recipe_file(path), line.overrides());
  const Value section = section_of(document, line);
  Problems problems;
  Asked asked;
  asked.options = read_search(section, problems);
  asked.recipe = read_recipe(document, environment.registries);
  if (problems.empty()) check_space(asked.recipe, asked.options, environment.registries, problems);
  problems.throw_if_any();
  require_precisions(asked.recipe, asked.options, environment);
  return asked;
}

Recipe study_named(Recipe recipe) {
  recipe.name += "-search";
  return recipe;
}

std::string latest_study(const Recipe& recipe) {
  std::string latest;
  for (const std::string& folder : run_folders(study_named(recipe)))
    if (std::filesystem::exists(folder + "/study.db")) latest = folder;
  if (latest.empty())
    throw UsageError(
        format("{}/{}-search: holds no study to resume; leave out --resume to start "
               "one",
               recipe.output.dir, recipe.name));
  return latest;
}

void refuse_differences(const Study& study, const Asked& asked, const Registries& registries) {
  const RecipeVariants variants = registries.variants();
  auto found = differences(recipe_tree(recipe_in(study, registries), variants),
                           recipe_tree(asked.recipe, variants));
  for (const std::string& one :
       differences(write_search(study.options()), write_search(asked.options)))
    found.push_back("search." + one);
  if (found.empty()) return;
  throw UsageError(
      format("{}: is the study of another search ({}); leave out --resume to start a "
             "new one",
             study.folder(), joined(found, "; ")));
}

std::string resumed_folder(const CommandLine& line, const Environment& environment) {
  const auto given = line.positional();
  if (given.empty() || given.size() > 2)
    line.misused("--resume takes a study's folder, a recipe, or a recipe and a folder");
  if (given.size() == 1 && std::filesystem::is_directory(given[0])) {
    if (line.has("set") || line.has("space"))
      line.misused("--set and --space belong to a RECIPE; a study keeps its own");
    return given[0];
  }
  const Asked asked = load_asked(given[0], line, environment);
  const std::string folder = given.size() == 2 ? given[1] : latest_study(asked.recipe);
  refuse_differences(Study(folder), asked, environment.registries);
  return folder;
}

std::string new_folder(const CommandLine& line, const Environment& environment) {
  const Asked asked = load_asked(line.single("RECIPE"), line, environment);
  line.console().say(format("search     {}", size_text(asked.options)));
  const std::string folder = create_run_folder(study_named(asked.recipe), *environment.group);
  Study::create(folder, resolved_text(asked.recipe, environment.registries), asked.options,
                environment_digest(asked.recipe));
  return folder;
}

}  // namespace

int search_command(int argc, char** argv) {
  if (is_search_worker(argc, argv)) return search_worker(argv);
  CommandLine line("search",
                   "Tries values of recipe keys: every combination, random points, or successive "
                   "halving.",
                   "RECIPE [--space SPACE.yaml] [--set KEY=VALUE]... [--jobs N] [--resume "
                   "[STUDY_DIR]]",
                   kSearchExamples);
  line.add_positional();
  line.add_set();
  line.add_option("space", "SPACE.yaml", "a file with the `search` section, in place of RECIPE's");
  line.add_option("jobs", "N", "trials at a time, each in a process of its own");
  line.add_flag("resume", "go on with the recipe's latest study, or the one whose folder is given");
  line.add_option("write", "FILE", "write the best recipe there too");
  add_ranks(line);
  if (!line.parse(argc, argv)) return 0;
  if (const auto code = launch_ranks(line, argc, argv, RanksAre::workers)) return *code;
  const auto place = place_in_environment();
  if (place && place->rank > 0) return work_for_rank_0(*place);
  const std::int64_t jobs = search_jobs(line);
  const Environment environment = shipped_environment();
  const std::string folder =
      line.has("resume") ? resumed_folder(line, environment) : new_folder(line, environment);
  std::optional<RankWorkers> others;
  if (place && place->size > 1) others.emplace(*place, line.console());
  return run_study(folder, jobs, others ? &*others : nullptr, line, environment);
}

}  // namespace onecycle
