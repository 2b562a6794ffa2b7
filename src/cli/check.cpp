#include "onecycle/error.h"
#include "onecycle/search.h"

#include "cli/command.h"
#include "cli/fit_batch_task.h"
#include "core/format.h"
#include "core/print.h"
#include "recipe/document.h"
#include "train/recipe_text.h"

namespace onecycle {

namespace {

constexpr const char* kExamples = R"(  onecycle check recipes/quickstart.yaml
  onecycle check recipes/*.yaml
  onecycle check recipes/quickstart.yaml --set schedule.lr_max=2 --resolved
)";

// Every problem of one recipe, a line each.
std::vector<std::string> problems_of(const std::string& path, const CommandLine& line,
                                     const Registries& registries) {
  std::vector<std::string> lines;
  try {
    Problems problems;
    const auto table = recipe_options(registries.variants());
    Value document = load_document(path, line.overrides());
    const auto search = take_search(document);
    const Recipe recipe = table.read(document, "", problems);
    if (search) {
      const SearchOptions options = read_search(*search, problems);
      if (problems.empty()) check_space(recipe, options, registries, problems);
    }
    for (const Problem& problem : problems.found()) lines.push_back(problem.text());
    if (!lines.empty()) return lines;
    constexpr std::int64_t kAssumedSamples = 50'000;  // where only reading the data would tell
    (void)plan_course(with_any_batch(recipe),
                      planned_samples(recipe, registries).value_or(kAssumedSamples), registries);
    if (line.has("resolved")) print("{}", resolved_text(recipe, registries));
  } catch (const Error& error) {
    lines.emplace_back(error.what());
  }
  return lines;
}

}  // namespace

int check_command(int argc, char** argv) {
  CommandLine line("check",
                   "Validates recipes without reading data: every key, with file, line and column.",
                   "RECIPE... [--set KEY=VALUE]...", kExamples);
  line.add_positional();
  line.add_set();
  line.add_flag("resolved", "print the recipe with every default filled in");
  if (!line.parse(argc, argv)) return 0;
  if (line.positional().empty()) line.misused("RECIPE is missing");

  const Registries registries = shipped_registries();
  int exit_code = 0;
  for (const std::string& path : line.positional()) {
    const auto lines = problems_of(path, line, registries);
    for (const std::string& text : lines) print(stderr, "{}\n", text);
    if (lines.empty() && !line.has("resolved")) line.console().say(path + ": ok");
    if (!lines.empty()) exit_code = 2;
  }
  return exit_code;
}

}  // namespace onecycle
