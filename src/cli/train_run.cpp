#include "cli/train_run.h"

#include "onecycle/predictor.h"

#include "cli/batch_notes.h"
#include "cli/report_page.h"
#include "cli/resume.h"
#include "cli/run_folder.h"
#include "cli/run_json.h"
#include "cli/signals.h"
#include "core/files/files.h"
#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/metric_text.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "observe/csv.h"
#include "observe/divergence.h"
#include "observe/early_stop.h"
#include "observe/json_lines.h"
#include "observe/progress.h"
#include "observe/starvation.h"
#include "recipe/recipe_error.h"
#include "recipe/recipe_text.h"
#include "train/profile/profile.h"
#include "train/state/shared_checkpoints.h"

#include <iostream>

#include <ATen/Parallel.h>

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

// "validation accuracy 97.12 %, test accuracy 97.30 %: ": losses where the task has no metric.
std::string scores_text(const RunEnd& end, const std::vector<Metric>& metrics) {
  std::string text;
  const auto add = [&](const char* split, const std::optional<Score>& score) {
    if (!score) return;
    text +=
        format("{}{} {}", text.empty() ? "" : ", ", split,
               metrics.empty() ? format("loss {:.4f}", score->loss)
                               : metrics[0].name + " " + metric_text(metrics[0], score->metric()));
  };
  add("validation", end.validation);
  add("test", end.test);
  if (text.empty()) add("training", end.train);
  return text.empty() ? "" : text + ": ";
}

void say_end(const RunEnd& end, const std::vector<Metric>& metrics, const std::string& folder,
             const Console& console) {
  if (end.reason != StopReason::finished)
    print(stderr, "onecycle: {}: {}\n", name_of(end.reason), visible(end.message));
  if (end.reason == StopReason::interrupted)
    console.say(format("step {} is saved; go on with: {} train --resume {}", end.steps,
                       program_name(), folder));
  if (end.verdict && end.reason != StopReason::diverged)
    console.say(format("verdict    {}", end.verdict->text));
  if (end.reason == StopReason::finished || end.reason == StopReason::early_stopped)
    console.tell_result(format("{}done in {} ({} of it training); weights in {}",
                               scores_text(end, metrics), duration_text(end.seconds),
                               duration_text(end.train_seconds), weights_path(folder)));
}

void say_profile(const std::string& text, const Console& console) {
  if (console.quiet()) return;
  // Over the bar of the progress.
  print(console.out(), "{}{}", console.terminal() ? "\r\x1b[K" : "", text);
}

// What a checkpoint says of its run.
std::map<std::string, std::string> metadata_of(const RecipeRun& run, const std::string& recipe,
                                               const Environment& environment) {
  std::map<std::string, std::string> metadata = {{"format", "onecycle"},
                                                 {"recipe", recipe},
                                                 {"machine", machine_text(run.compute)},
                                                 {kRanks, std::to_string(run.group->size())},
                                                 {kTaskKey, to_json(task_of(run, environment))}};
  const std::string model = model_json(run.recipe);
  if (!model.empty()) metadata[kModelKey] = model;
  const std::string digest = environment_digest(run.recipe);
  if (!digest.empty()) metadata[kEnvironment] = digest;
  return metadata;
}

// Tells the run's files what a person was told before it began.
class NotesAtBegin : public Observer {
 public:
  explicit NotesAtBegin(const RecipeRun& run) {
    add(Notice::Kind::note, norms_note(run));
    add(Notice::Kind::warning, rate_note(run));
  }

  void tell(Observer& file) { files_.push_back(&file); }

  void on_run_begin(const RunBegin& event) override {
    for (Notice notice : notes_) {
      notice.step = event.first_step;
      notice.epoch =
          static_cast<double>(event.first_step) / static_cast<double>(event.steps_per_epoch);
      for (Observer* file : files_) file->on_notice(notice);
    }
  }

 private:
  void add(Notice::Kind kind, const std::string& text) {
    if (!text.empty()) notes_.push_back({kind, 0, 0, text});
  }

  std::vector<Notice> notes_;
  std::vector<Observer*> files_;
};

// What rank 0 keeps of a run in its folder.
class RunRecord {
 public:
  RunRecord(const RecipeRun& run, const std::string& folder, const Session& session)
      : folder_(folder),
        console_(session.console()),
        json_lines_(session.line().json()),
        patience_(run.recipe.stop.patience.has_value()),
        lock_(folder),
        recipe_(resolved_text(run.recipe, session.registries())),
        checkpoints_(checkpoints_path(folder), run.recipe.output.keep,
                     metadata_of(run, recipe_, session.environment())),
        progress_(console_.out(), console_.terminal(), console_.verbose()),
        metrics_(run.task->metrics()),
        csv_(folder, metrics_, warner()),
        events_(folder, warner()),
        divergence_(run.recipe.stop.divergence_factor, run.recipe.stop.divergence_window),
        early_(run.recipe.stop.patience.value_or(0), run.recipe.stop.min_delta,
               run.recipe.stop.monitor == Monitor::loss),
        starvation_(warner()),
        shares_processors_(run.compute.device.is_cpu() && at::get_num_threads() > 1),
        json_(std::cout, folder),
        notes_(run) {
    const UsedValues used = used_values(run);
    note_session(folder, run, used, session);
    write_file_atomically(recipe_path(folder),
                          {resolved_text(run.recipe, session.registries(), used)});
    if (const auto steps = profiled_steps(session.line()))
      profile_.emplace(folder, *steps, run.compute.device.is_cuda(),
                       [this](const std::string& text) {
                         progress_.make_room();
                         say_profile(text, console_);
                       });
  }

  CheckpointStore& checkpoints() { return checkpoints_; }

  void watch(Trainer& trainer) {
    if (profile_) trainer.observe(*profile_);
    trainer.observe(csv_);
    trainer.observe(events_);
    trainer.observe(divergence_);
    if (patience_) trainer.observe(early_);
    if (!console_.quiet()) trainer.observe(progress_);
    if (shares_processors_) trainer.observe(starvation_);
    if (json_lines_) trainer.observe(json_);
    notes_.tell(events_);
    if (json_lines_) notes_.tell(json_);
    trainer.observe(notes_);  // after them: they began
  }
  // Drops the rows of a session that ended before its first checkpoint.
  void begin_anew() { csv_.restore("", 0); }

  void close(const RunEnd& end) const {
    report_at_end(folder_, /*pictures=*/false, console_);
    say_end(end, metrics_, folder_, console_);
  }

 private:
  AppendFile::Warn warner() {
    return [this](const std::string& text) {
      progress_.make_room();
      console_.warn(text);
    };
  }

  std::string folder_;
  Console console_;
  bool json_lines_;
  bool patience_;
  FolderLock lock_;
  std::string recipe_;
  CheckpointFolder checkpoints_;
  Progress progress_;
  std::vector<Metric> metrics_;
  CsvWriter csv_;
  EventLog events_;
  DivergenceWatch divergence_;
  EarlyStop early_;
  StarvationWatch starvation_;
  bool shares_processors_;
  JsonLines json_;
  NotesAtBegin notes_;
  std::optional<Profile> profile_;
};

}  // namespace

std::optional<std::int64_t> profiled_steps(const CommandLine& line) {
  if (!line.has("profile")) return std::nullopt;
  const auto steps = parse_integer(line.text("profile"));
  if (!steps || *steps < 1) line.misused("--profile: expected a number of steps, at least 1");
  return steps;
}

RunResult train_run(RecipeRun& run, const RunStart& start, const Session& session) {
  session.console().say(format("run        {}", start.folder));
  std::optional<RunRecord> record;
  try {
    if (run.group->is_leader()) record.emplace(run, start.folder, session);
  } catch (...) {
    discard_unused(start.folder);
    throw;
  }
  SharedCheckpoints checkpoints(*run.group, record ? &record->checkpoints() : nullptr);
  Trainer trainer(run);
  trainer.keep_checkpoints_in(checkpoints);
  if (record) record->watch(trainer);
  if (start.snapshot) {
    trainer.resume(*start.snapshot, checkpoints_path(start.folder));
  } else if (record) {
    record->begin_anew();
  }

  const SignalScope signals(trainer.stop());
  RunResult result;
  result.end = in_terms_of(run.recipe, [&] { return trainer.fit(); });
  result.exit_code = exit_code(result.end, trainer.stop());
  if (record) record->close(result.end);
  return result;
}

}  // namespace onecycle
