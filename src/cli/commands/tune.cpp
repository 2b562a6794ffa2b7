#include "onecycle/tune.h"

#include "onecycle/compute.h"
#include "onecycle/error.h"

#include "cli/console.h"
#include "cli/fit_batch/settle_batch.h"
#include "cli/progress.h"
#include "cli/report_page.h"
#include "cli/resume.h"
#include "cli/run_folder.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "core/files/files.h"
#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/json.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "observe/progress.h"
#include "recipe/recipe_text.h"
#include "study/result_cache.h"
#include "study/tune/tune_json.h"
#include "train/state/shared_checkpoints.h"

#include <filesystem>

namespace onecycle {

namespace {

constexpr const char* kTuneExamples = R"(  onecycle tune recipes/quickstart.yaml
  onecycle tune recipes/cifar10-resnet20.yaml --budget 50ep --write tuned.yaml
  onecycle tune recipes/quickstart.yaml --budget 10m --no-train
  onecycle tune recipes/quickstart.yaml --resume          go on with the latest, after Ctrl-C or a kill
Every choice is made on the validation part; the test split is only reported by the run at the end.
Exit codes: 0 done, 1 refused (the reason is given), 2 bad usage or recipe, 130/143/129 interrupted.
)";

TuneOptions options_of(const CommandLine& line) {
  TuneOptions options;
  if (line.has("seeds")) {
    const auto seeds = parse_integer(line.text("seeds"));
    if (!seeds || *seeds < 1) line.misused("--seeds: expected a whole number, at least 1");
    options.seeds = *seeds;
  }
  if (!line.has("budget")) return options;
  const std::string text = line.text("budget");
  const auto bad = [&] { line.misused("--budget: expected 50ep, 90s, 10m or 2h, got " + text); };
  if (text.size() < 2) bad();
  const bool in_epochs = text.ends_with("ep");
  const auto count = parse_number(text.substr(0, text.size() - (in_epochs ? 2 : 1)));
  if (!count || *count <= 0) bad();
  const std::string units = "smh";
  const std::size_t unit = units.find(text.back());
  if (in_epochs) {
    options.epochs = *count;
  } else if (unit == std::string::npos) {
    bad();
  } else {
    constexpr double kSeconds[] = {1, 60, 3600};
    options.seconds = *count * kSeconds[unit];
  }
  return options;
}

std::string folder_for(const Session& session) {
  const CommandLine& line = session.line();
  Recipe named = session.recipe();
  named.name += "-tune";
  if (!folder_to_resume().empty()) return folder_to_resume();
  if (!line.has("resume")) return create_run_folder(named, session.group());
  const auto given = line.positional();
  if (given.size() == 2) return given[1];
  return from_leader(session.group(), [&] {
    const auto folders = run_folders(named);
    if (folders.empty())
      throw UsageError(format("{}/{}: holds nothing to resume; leave out --resume",
                              named.output.dir, named.name));
    return folders.back();
  });
}

// While it lasts on a terminal, as a line of its own elsewhere.
void say_place(const TunePlace& place, const Console& console, StepProgress& progress) {
  const std::string text = format(
      "trial {} of at most {}{}: {}", place.number, place.at_most,
      place.seconds_left ? format(", at most {} left", duration_text(*place.seconds_left)) : "",
      place.item);
  progress.call(text);
  if (!console.terminal()) console.say(text);
}

void say_choices(const TuneResult& result, const Console& console) {
  console.say("");
  for (const TuneChoice& choice : result.choices) {
    console.say(format("{:<24} {}", choice.what, choice.value));
    if (!choice.evidence.empty()) console.say("  evidence: " + choice.evidence);
    if (!choice.sure.empty()) console.say("  how sure: " + choice.sure);
  }
  for (const std::string& sentence : result.words) console.say(sentence);
  console.say(
      format("the search trained {:.1f} epochs in {:.0f} s", result.epochs, result.seconds));
}

void print_result(const TuneResult& result, const std::string& path, const std::string& report) {
  print_json(Json{{"event", "tuned"},
                  {"recipe", path.empty() ? Json() : Json(path)},
                  {"report", report.empty() ? Json() : Json(report)},
                  {"refused", result.refused.empty() ? Json() : Json(result.refused)},
                  {"choices", result.choices},
                  {"search_epochs", result.epochs},
                  {"search_seconds", result.seconds}});
}

TuneChoice choice_of(const SettledBatch& batch) {
  const std::int64_t count = batch.recipe.data.batch_size.count;
  return {"batch size", batch.recipe.data.batch_size.all ? "all" : grouped(count), batch.evidence,
          batch.evidence.empty()
              ? "as the recipe: --fit-batch, or data.batch_size: auto, chooses it"
              : "measured once; other work on the machine disturbs it"};
}

// The batch size, kept in the folder: found once, whatever a resumed call would measure.
SettledBatch batch_for(const std::string& folder, const Session& session) {
  const Recipe& recipe = session.recipe();
  ResultCache cache(folder + "/batch.json", recipe.name, session.environment().group);
  SettledBatch settled{recipe, ""};
  const auto settle = [&] {
    settled = settle_batch(recipe, session, session.line().has("fit-batch"));
    const bool fitted = !settled.evidence.empty();
    return Json{{"size", fitted ? Json(settled.recipe.data.batch_size.count) : Json()},
                {"evidence", settled.evidence}};
  };
  const auto sound = [](const Json& one) {
    return one.is_object() && one.contains("size") && one.contains("evidence") &&
           one["evidence"].is_string() &&
           (one["size"].is_null() ||
            (one["size"].is_number_integer() && one["size"].get<std::int64_t>() > 0));
  };
  const Json found = cache.get("batch", settle, sound);
  if (!found["size"].is_null())
    settled.recipe.data.batch_size = {found["size"].get<std::int64_t>()};
  settled.evidence = found["evidence"];
  return settled;
}

// The run at the end, in a folder of its own: resumed where it was begun before.
int train_tuned(const TuneResult& result, const DataSet& data, const std::string& folder,
                const Session& session) {
  RunStart start{folder + "/final", std::nullopt};
  from_leader(session.group(), [&] {
    make_folders(start.folder);
    return start.folder;
  });
  start.snapshot = latest_checkpoint(start.folder, session);
  RecipeRun run = build_on(data, result.recipe, session.environment());
  if (start.snapshot && steps_of(*start.snapshot) >= run.steps.total_steps) return 0;
  return train_run(run, start, session).exit_code;
}

}  // namespace

int tune_command(int argc, char** argv) {
  CommandLine line(
      "tune", "Smith's whole procedure: learning rate, weight decay, momentum, one cycle.",
      "RECIPE [--budget 10m|50ep] [--resume [DIR]] [--set KEY=VALUE]...", kTuneExamples);
  line.add_positional();
  line.add_set();
  line.add_option("budget", "LENGTH", "of the search, in epochs of training or in time");
  line.add_option("seeds", "N", "of the range test (default: 3)");
  line.add_option("write", "FILE", "the tuned recipe, also in the folder as tuned.yaml");
  line.add_flag("resume", "go on with the latest, or the one whose folder follows the recipe");
  line.add_flag("fit-batch", "choose data.batch_size first, as for `auto`: by memory and speed");
  line.add_flag("no-train", "leave out the run at the end");
  add_ranks(line);
  if (!line.parse(argc, argv)) return 0;
  if (const auto code = launch_ranks(line, argc, argv)) return *code;

  const TuneOptions options = options_of(line);
  const auto arguments = line.positional();
  if (arguments.empty() || arguments.size() > (line.has("resume") ? 2U : 1U))
    line.misused("one RECIPE, and with --resume its folder");
  Session session(line, arguments[0]);
  const Console console = session.console();
  Group& group = session.group();
  const std::string folder = folder_for(session);
  session.announce_folder(folder);
  std::optional<FolderLock> lock;
  if (group.is_leader()) lock.emplace(folder);
  console.say("results in " + folder);
  const SettledBatch batch = batch_for(folder, session);
  const Recipe& recipe = batch.recipe;
  const DataSet data = build(recipe, session.environment()).data;
  if (group.is_leader())
    write_file_atomically(recipe_path(folder), {resolved_text(recipe, session.registries())});

  StopSignal stop;
  TuneResult result;
  {
    const SignalScope signals(stop);
    StepProgress progress(console);
    result = tune({recipe, data, session.environment(), options, folder, stop, &progress,
                   [&](const std::string& text) { console.say(text); },
                   [&](const TunePlace& place) { say_place(place, console, progress); }});
  }
  result.choices.insert(result.choices.begin(), choice_of(batch));
  if (result.interrupted) {
    if (!group.is_leader()) return 128 + stop.signal_number();
    print(stderr, "onecycle: interrupted; go on with: {} tune {} --resume {}\n", program_name(),
          arguments[0], folder);
    return 128 + stop.signal_number();
  }
  if (result.refused.empty())
    result.recipe.train.lr_found_at =
        plan_steps(result.recipe, data.train.size(), group.size()).total_batch;
  const auto train = [&] {
    return line.has("no-train") ? 0 : train_tuned(result, data, folder, session);
  };
  if (!group.is_leader()) return result.refused.empty() ? train() : 1;
  say_choices(result, console);
  const std::string tuned = resolved_text(result.recipe, session.registries());
  write_file_atomically(folder + "/tuning.json", {tune_json(result, recipe.name, folder, tuned)});
  if (!result.refused.empty()) {
    print(stderr, "onecycle: tune: {}\n", visible(result.refused));
    if (line.json()) print_result(result, "", report_at_end(folder, /*pictures=*/true, console));
    return 1;
  }
  const std::string path = folder + "/tuned.yaml";
  write_file_atomically(path, {tuned});
  if (line.has("write")) write_file_atomically(line.text("write"), {tuned});
  say_changes(recipe, result.recipe, session.registries(), console);
  console.tell_result("recipe     " + path);
  const int exit_code = train();
  const std::string report = report_at_end(folder, /*pictures=*/true, console);
  if (!report.empty()) console.say("report     " + report);
  if (line.json()) print_result(result, path, report);
  return exit_code;
}

}  // namespace onecycle
