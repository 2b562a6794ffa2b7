#include "study/search/search_trial.h"

#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "core/files/files.h"
#include "core/text/format.h"
#include "core/text/printable.h"
#include "recipe/recipe_text.h"
#include "train/memory.h"
#include "yaml/yaml.h"

#include <chrono>
#include <cmath>
#include <filesystem>

namespace onecycle {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

// Keeps the latest checkpoint in memory: what a fallback and the end of the run need.
class LatestInMemory : public CheckpointStore {
 public:
  std::string save(const Snapshot& snapshot, std::int64_t, bool) override {
    latest_ = snapshot;
    return "kept in memory";
  }
  std::optional<Snapshot> load_latest(std::vector<std::string>&) override { return latest_; }
  const std::optional<Snapshot>& latest() const { return latest_; }

 private:
  std::optional<Snapshot> latest_;
};

// What decides which samples are in memory: not how they are drawn.
std::string data_key(const Recipe& recipe, const Registries& registries) {
  Value data = *recipe_options(registries.variants()).write(recipe).find("data");
  data.erase("batch_size");
  data.erase("total_batch_size");
  data.erase("augment");
  return write_yaml(data);
}

TrialResult failed(const std::string& reason) {
  TrialResult result;
  result.state = TrialState::failed;
  result.reason = first_line(reason);
  return result;
}

TrialResult result_of(const RunEnd& end, SearchMetric by, const std::vector<Metric>& metrics) {
  TrialResult result;
  result.metrics = metrics;
  result.reason = end.message;
  result.validation = end.validation;
  result.test = end.test;
  switch (end.reason) {
    case StopReason::diverged:
      result.state = TrialState::diverged;
      return result;
    case StopReason::interrupted:
      result.state = TrialState::interrupted;
      return result;
    case StopReason::out_of_memory:
      result.state = TrialState::failed;
      return result;
    case StopReason::finished:
    case StopReason::early_stopped:
      break;
  }
  result.reason.clear();
  if (!end.validation)
    return failed("it has no validation part to be compared on: set data.validation");
  const Goal goal = goal_of(by == SearchMetric::validation_loss, metrics);
  if (goal != Goal::lower_loss && !std::isfinite(end.validation->metric()))
    return failed(format("its validation {} is not a number at the end", metrics.front().name));
  if (goal == Goal::lower_loss && !std::isfinite(end.validation->loss)) {
    result.state = TrialState::diverged;
    result.reason = "the validation loss is not finite at the end";
  }
  return result;
}

// Where that fails too, the trial waits again once its owner is seen to be gone.
void give_back(WorkQueue& queue, const Trial& trial) {
  TrialResult untried;
  untried.state = TrialState::waiting;
  try {
    queue.finish(trial, untried);
  } catch (const Error&) {
  }
}

}  // namespace

TrialRunner::TrialRunner(TrialBench bench, const Environment& environment)
    : bench_(std::move(bench)),
      environment_(environment),
      data_key_(data_key(bench_.base, environment.registries)),
      data_(build_for_evaluation(bench_.base, environment).data) {}

RecipeRun TrialRunner::build_trial(const Recipe& recipe) {
  if (data_key(recipe, environment_.registries) == data_key_)
    return build_on(data_, recipe, environment_);
  return build(recipe, environment_);
}

TrialResult TrialRunner::run(const Trial& trial, StopSignal& stop) {
  const auto start = Clock::now();
  const std::string folder = format("{}/trials/{}", bench_.folder, trial.number);
  std::error_code ignored;
  fs::remove_all(folder, ignored);  // what a lost worker left of it
  make_folders(folder);
  TrialResult result;
  try {
    const Setting& setting = bench_.settings.at(static_cast<std::size_t>(trial.setting));
    Recipe recipe =
        compressed(recipe_of(bench_.base, bench_.options.space, setting, environment_.registries),
                   trial.share);
    if (!recipe.train.threads) recipe.train.threads = bench_.threads;
    result = train(recipe, folder, stop);
  } catch (const FileError&) {
    throw;  // no fault of the trial's: another time it may well come to its end
  } catch (const fs::filesystem_error& thrown) {
    throw FileError(thrown.what());
  } catch (const c10::Error& thrown) {
    result = failed(is_out_of_memory(thrown) ? "out of memory" : thrown.what());
  } catch (const std::bad_alloc&) {
    result = failed("out of memory");
  } catch (const std::exception& thrown) {
    result = failed(thrown.what());
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  result.run = folder;
  return result;
}

TrialResult TrialRunner::train(const Recipe& recipe, const std::string& folder, StopSignal& stop) {
  const std::string text = resolved_text(recipe, environment_.registries);
  write_file_atomically(folder + "/recipe.yaml", {text});
  const RecipeRun run = build_trial(recipe);
  Trainer trainer(run, stop);
  LatestInMemory memory;
  CheckpointFolder files(folder + "/checkpoints",
                         bench_.options.checkpoints ? recipe.output.keep : 1,
                         {{"format", "onecycle"}, {"recipe", text}});
  if (bench_.options.checkpoints) {
    trainer.keep_checkpoints_in(files);
  } else {
    trainer.keep_checkpoints_in(memory);
  }
  const TrialObservers observers = bench_.observers(run, folder);
  for (const auto& observer : observers) trainer.observe(*observer);
  const RunEnd end = trainer.fit();
  TrialResult result = result_of(end, bench_.options.metric, run.task->metrics());
  if (result.state == TrialState::done && memory.latest())
    files.save(*memory.latest(), end.steps, /*best=*/false);
  return result;
}

void work(WorkQueue& queue, TrialRunner& runner, StopSignal& stop) {
  while (const auto trial = queue.take()) {
    try {
      queue.finish(*trial, runner.run(*trial, stop));
    } catch (const FileError&) {
      give_back(queue, *trial);
      throw;
    }
  }
}

}  // namespace onecycle
