#include "tuning/range_test/range_test.h"

#include "onecycle/error.h"

#include "cli/console.h"
#include "cli/fit_batch/settle_batch.h"
#include "cli/progress.h"
#include "cli/range_overlays.h"
#include "cli/report_page.h"
#include "cli/run_folder.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "core/files/files.h"
#include "core/text/duration_limits.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "recipe/recipe_text.h"
#include "study/recipe_edit.h"
#include "tuning/range_test/range_test_json.h"

#include <cmath>
#include <sstream>

namespace onecycle {

namespace {

constexpr const char* kRangeTestExamples = R"(  onecycle range-test recipes/quickstart.yaml
  onecycle range-test recipes/quickstart.yaml --seeds 5 --steps 800 --write tuned.yaml
  onecycle range-test recipes/cifar10-cnn3.yaml --max 0.01
  onecycle range-test recipes/quickstart.yaml --weight-decay 1e-3,1e-4,1e-5,0
  onecycle range-test recipes/quickstart.yaml --momentum .99,.97,.95,.9,.95-.85
  onecycle range-test recipes/quickstart.yaml --momentum .99,.95,.9 --constant 0.02
  onecycle range-test recipes/quickstart.yaml --momentum-range .7,.99
  onecycle range-test recipes/cifar10-finetune-resnet20.yaml --phase 2   once the body trains too
Exit codes: 0 a number, 1 refused (the reason is given), 2 bad usage or recipe, 130/143/129 interrupted.
)";

// A line a sweep, and how far it is on a terminal.
class SweepProgress : public StepProgress {
 public:
  using StepProgress::StepProgress;
  void on_run_end(const RunEnd& end) override {
    StepProgress::on_run_end(end);
    console_.say(format("sweep {}: {} steps in {:.1f} s{}", ++sweeps_, end.steps, end.seconds,
                        end.message.empty() ? "" : "; " + end.message));
  }

 private:
  int sweeps_ = 0;
};

std::int64_t count_option(const CommandLine& line, const std::string& name, std::int64_t fallback) {
  if (!line.has(name)) return fallback;
  const auto value = parse_integer(line.text(name));
  if (!value || *value < 1 || *value >= kTooManySteps)
    line.misused("--" + name + ": expected a whole number, at least 1 and below 2^53");
  return *value;
}

void say_suggestions(const RangeTest& test, const Console& console) {
  console.say("");
  for (const Suggestion& one : test.suggestions)
    console.say(format("{:<8} {:>9}  {}", one.rule, one.lr ? format("{:.3g}", *one.lr) : "refused",
                       one.reason));
  if (!test.seed_numbers.empty()) {
    std::string text;
    for (const double number : test.seed_numbers) text += format(" {:.3g}", number);
    console.say("each seed alone, by Smith's rule:" + text);
  }
  for (const std::string& sentence : test.words) console.say(sentence);
  if (test.lr_max)
    console.tell_result(format(
        "{}lr_max: {:.4g}{}, lr_min: {:.4g}",
        test.uncertain ? "uncertain (the answers differ by more than 10 times): " : "",
        *test.lr_max, test.lr_other ? format(" (or {:.4g})", *test.lr_other) : "", *test.lr_min));
}

// The first of what held-out samples showed: the metric, where the task has one.
void say_held_out(const std::vector<Figure>& figures, const Console& console) {
  for (const Figure& figure : figures)
    if (figure.name.starts_with("held-out-"))
      return print(console.out(), "\n{}", terminal_plot(figure));
}

// What trains in that phase, where the recipe freezes anything. Throws UsageError where there is no
// such phase.
std::string phase_text(const RecipeRun& run, std::int64_t phase) {
  const Freezing& freezing = run.freezing;
  if (phase >= freezing.phases())
    throw UsageError(format("--phase: the recipe's train.freeze makes {} phase{}, got {}",
                            freezing.phases(), freezing.phases() == 1 ? "" : "s", phase + 1));
  if (run.recipe.train.freeze.empty()) return "";
  std::int64_t trained = 0;
  std::int64_t total = 0;
  std::string groups;
  for (const LayerGroup& group : run.parameters->layer_groups()) {
    std::int64_t here = 0;
    for (const std::size_t index : group.parameters) {
      const std::int64_t count = run.parameters->all()[index].master.numel();
      total += count;
      if (!freezing.frozen(index, phase)) here += count;
    }
    if (here > 0) groups += (groups.empty() ? "" : ", ") + group.name;
    trained += here;
  }
  return format("Phase {} of {} of train.freeze: {} of {} parameters train ({}).", phase + 1,
                freezing.phases(), grouped(trained), grouped(total), groups);
}

}  // namespace

int range_test_command(int argc, char** argv) {
  CommandLine line("range-test", "The LR range test: finds the largest useful learning rate.",
                   "RECIPE [--seeds N] [--max LR] [--set KEY=VALUE]...", kRangeTestExamples);
  line.add_positional();
  line.add_set();
  line.add_option("seeds", "N", "linear sweeps with as many seeds (default: 3)");
  line.add_option("min", "LR", "where the linear sweeps begin (default: a hundredth of --max)");
  line.add_option("max", "LR", "where they end (default: 3 times the edge of the coarse sweep)");
  line.add_option("steps", "N", "of a linear sweep (default: a quarter of the run, 200 to 400)");
  line.add_option("every", "N", "steps between two looks at the held-out samples (default: 10)");
  line.add_option("held-out", "N", "held-out samples looked at (default: 1000)");
  line.add_option("phase", "N",
                  "of train.freeze: what it freezes then stays so (default: 1, as at the start)");
  AskedOverlays::describe(line);
  line.add_option("write", "FILE", "the recipe with the rates found");
  add_ranks(line);
  if (!line.parse(argc, argv)) return 0;
  if (const auto code = launch_ranks(line, argc, argv)) return *code;

  RangeTestOptions options;
  options.seeds = count_option(line, "seeds", options.seeds);
  if (line.has("steps")) options.steps = count_option(line, "steps", 0);
  options.evaluate_every = count_option(line, "every", options.evaluate_every);
  options.held_out = count_option(line, "held-out", options.held_out);
  options.phase = count_option(line, "phase", 1) - 1;
  options.low = line.positive("min");
  options.high = line.positive("max");
  const AskedOverlays overlays(line);

  const Session session(line, line.single("RECIPE"));
  const Environment& environment = session.environment();
  const Recipe recipe = settle_batch(session.recipe(), session).recipe;
  RecipeRun first = build(recipe, environment);
  const std::string phase = phase_text(first, options.phase);
  const DataSet data = first.data;
  const Console console = session.console();
  const std::string machine = machine_text(first.compute);
  Recipe folder_recipe = recipe;
  folder_recipe.name += "-range";
  const bool leads = session.group().is_leader();
  const std::string folder = create_run_folder(folder_recipe, session.group());
  const std::string resolved = resolved_text(recipe, session.registries());
  if (leads) write_file_atomically(recipe_path(folder), {resolved});

  StopSignal stop;
  SweepProgress progress(console);
  RangeTest test;
  {
    const SignalScope signals(stop);
    test = range_test(
        [&](std::int64_t offset) {
          Recipe seeded = recipe;
          seeded.seed += offset;
          return build_on(data, seeded, environment);
        },
        options, stop, &progress);
    if (stop.signal_number() == 0) overlays.add(test, data, recipe, environment, stop, &progress);
  }
  if (!phase.empty()) test.words.insert(test.words.begin(), phase);
  const bool interrupted = stop.signal_number() != 0;
  if (interrupted) test.refused = "interrupted";
  if (!leads) return interrupted ? 128 + stop.signal_number() : test.refused.empty() ? 0 : 1;
  const std::string json_path = folder + "/range_test.json";
  const std::optional<Recipe> found = test.lr_max && takes(recipe.schedule, Change::set_lr)
                                          ? std::optional(with_rate(recipe, *test.lr_max))
                                          : std::nullopt;
  const std::string settings =
      found ? settings_between(recipe, *found, session.registries().variants()) : "";
  write_file_atomically(json_path,
                        {range_test_json(test, recipe.name, machine, resolved, settings)});
  write_file_atomically(folder + "/range_test.csv", {range_test_csv(test)});
  say_suggestions(test, console);
  if (!test.refused.empty())
    print(stderr, "onecycle: range-test: no learning rate: {}\n", visible(test.refused));
  if (test.lr_max && line.has("write") && !interrupted) {
    Recipe written = with_rate(recipe, *test.lr_max);
    written.train.lr_found_at = first.steps.total_batch;
    write_file_atomically(line.text("write"), {resolved_text(written, session.registries())});
  }
  const std::string report = report_at_end(folder, /*pictures=*/true, console);
  if (!console.quiet() && !report.empty()) say_held_out(read_figures(folder), console);
  console.say(report.empty() ? "curves in " + folder : "report     " + report);
  if (line.json())
    print_json(Json{{"event", "suggested"},
                    {"lr_max", test.lr_max},
                    {"lr_min", test.lr_min},
                    {"lr_other", test.lr_other},
                    {"refused", test.refused.empty() ? Json() : Json(test.refused)},
                    {"uncertain", test.uncertain},
                    {"seed_numbers", test.seed_numbers},
                    {"report", report.empty() ? Json() : Json(report)},
                    {"run_dir", folder}});
  if (interrupted) return 128 + stop.signal_number();
  return test.refused.empty() ? 0 : 1;
}

}  // namespace onecycle
