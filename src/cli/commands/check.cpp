#include "onecycle/compute.h"
#include "onecycle/error.h"
#include "onecycle/search.h"

#include "cli/command.h"
#include "cli/fit_batch/fit_batch_task.h"
#include "cli/search_study.h"
#include "cli/shipped.h"
#include "core/text/format.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "recipe/recipe_text.h"
#include "yaml/document.h"

namespace onecycle {

namespace {

constexpr const char* kCheckExamples = R"(  onecycle check recipes/quickstart.yaml
  onecycle check recipes/*.yaml
  onecycle check recipes/quickstart.yaml --set schedule.lr_max=2 --resolved
)";

// Recipes travel: what this machine lacks is no fault of theirs.
void warn_of_precision(const std::string& path, const std::vector<Recipe>& recipes,
                       const CommandLine& line) {
  for (const Recipe& recipe : recipes) {
    const std::string obstacle = why_no_precision(recipe.train.compute());
    if (obstacle.empty()) continue;
    line.console().warn(
        format("{}: train.precision: bf16 would not train here: {}", path, obstacle));
    return;
  }
}

// Every problem of one recipe, a line each.
std::vector<std::string> problems_of(const std::string& path, const CommandLine& line,
                                     const Environment& environment) {
  std::vector<std::string> lines;
  try {
    Problems problems;
    Value document = load_document(recipe_file(path), line.overrides());
    const auto section = take_search(document);
    const Recipe recipe = recipe_in_tree(document, environment.registries.variants(), problems);
    SearchOptions search;
    if (section) {
      search = read_search(*section, problems);
      if (problems.empty()) check_space(recipe, search, environment.registries, problems);
    }
    for (const Problem& problem : problems.found()) lines.push_back(problem.text());
    if (!lines.empty()) return lines;
    constexpr std::int64_t kAssumedSamples = 50'000;  // where only reading the data would tell
    const RunPlan plan =
        plan_run(with_any_batch(recipe),
                 planned_samples(recipe, environment).value_or(kAssumedSamples), environment);
    (void)without_initial_weights(recipe, environment);  // its weights.name is known
    warn_of_precision(path, computing_variants(recipe, search, environment.registries), line);
    if (line.has("resolved"))
      print("{}",
            resolved_text(recipe, environment.registries, used_values(recipe, plan, environment)));
  } catch (const Error& error) {
    lines.emplace_back(error.what());
  }
  return lines;
}

}  // namespace

int check_command(int argc, char** argv) {
  CommandLine line("check",
                   "Validates recipes without reading data: every key, with file, line and column.",
                   "RECIPE... [--set KEY=VALUE]...", kCheckExamples);
  line.add_positional();
  line.add_set();
  line.add_flag("resolved", "print the recipe with every default filled in");
  if (!line.parse(argc, argv)) return 0;
  if (line.positional().empty()) line.misused("RECIPE is missing");

  const Environment environment = shipped_environment();
  int exit_code = 0;
  for (const std::string& path : line.positional()) {
    const auto lines = problems_of(path, line, environment);
    for (const std::string& text : lines) print(stderr, "{}\n", visible(text));
    if (lines.empty() && !line.has("resolved")) line.console().say(path + ": ok");
    if (!lines.empty()) exit_code = 2;
  }
  return exit_code;
}

}  // namespace onecycle
