#pragma once

#include "onecycle/checkpoint.h"
#include "onecycle/compute.h"
#include "onecycle/events.h"
#include "onecycle/fit_options.h"
#include "onecycle/freezing.h"
#include "onecycle/group.h"
#include "onecycle/model.h"
#include "onecycle/optimizer.h"
#include "onecycle/schedule.h"
#include "onecycle/source.h"
#include "onecycle/task.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace onecycle {

class HardestRows;

// The plan of a run, which needs no data beyond its size.
struct RunPlan {
  StepPlan steps;
  std::unique_ptr<Schedule> schedule;
  OptimizerPlan optimizer;  // its rule knows the schedule's peak
};

// What the loop trains, and how. A copy shares the parts: the weights of one are those of the
// other, while its schedule, lengths and options are its own.
struct Run {
  std::shared_ptr<Group> group = alone();
  std::shared_ptr<Source> train;
  std::shared_ptr<Source> validation;  // held out; may be null
  std::shared_ptr<Source> test;        // only ever reported; may be null
  ModelContext context;
  std::shared_ptr<Model> model;
  std::shared_ptr<const Task> task;
  Compute compute;
  std::shared_ptr<Parameters> parameters;
  // Without these a run can be evaluated, not trained.
  StepPlan steps;
  FitOptions options;
  UpdateRule rule;
  Freezing freezing;
  std::shared_ptr<Optimizer> optimizer;
  std::shared_ptr<const Schedule> schedule;
  // Trained before this run by its fit(), over the same batches, to choose of each the samples that
  // this run takes; null: it takes all.
  std::shared_ptr<const Run> proxy = {};
  std::shared_ptr<HardestRows> hardest = {};  // of a proxy: those that it chooses and goes by
};

// The one loop; see events.h.
class Trainer {
 public:
  // By its own signal.
  explicit Trainer(Run run) : Trainer(std::move(run), own_stop_) {}
  // `stop` ends it from outside. It must outlive fit(), which leaves a caught signal in it and
  // withdraws every other request.
  Trainer(Run run, StopSignal& stop) : run_(std::move(run)), stop_(stop) {}
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Observers are told in the order added. They must outlive fit().
  void observe(Observer& observer) { observers_.push_back(&observer); }
  StopSignal& stop() { return stop_; }  // ends fit() from any thread
  // Without a store there are no checkpoints and no fallback. It must outlive fit().
  void keep_checkpoints_in(CheckpointStore& store) { store_ = &store; }
  // Goes on from there. `source` names it in messages. Throws CheckpointError where it does not fit
  // the run.
  void resume(const Snapshot& snapshot, const std::string& source);

  // Throws Error for what no value of StopReason covers.
  RunEnd fit();

 private:
  Run run_;
  std::vector<Observer*> observers_;
  StopSignal own_stop_;
  StopSignal& stop_;
  CheckpointStore* store_ = nullptr;
  std::optional<Snapshot> start_;
  std::string start_source_;
};

// Steps taken when the snapshot was made. Throws CheckpointError where it is not a run's.
std::int64_t steps_of(const Snapshot& snapshot);

// What the run had reached by then. Throws as steps_of.
RunEnd end_in(const Snapshot& snapshot);

// Loss and metrics of the model as it is, over every sample of the source once, whatever the number
// of ranks, which share the work. In full precision where `full_precision`, else in the run's.
Score evaluate(const Run& run, Source& samples, bool full_precision);
// The same, and into `losses` the held-out loss of each sample, in order, all ranks' on each; empty
// where the task has none.
Score evaluate(const Run& run, Source& samples, bool full_precision, std::vector<float>& losses);

}  // namespace onecycle
