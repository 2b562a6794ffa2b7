#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "data/images/sampler.h"
#include "train/fit.h"
#include "train/step/hardest_rows.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <ATen/ATen.h>

// The part of the loop that has a run's batches chosen by its proxy.
namespace onecycle {

namespace {

constexpr const char* kPositions = "chosen.positions";  // among a snapshot's tensors
constexpr const char* kChosenOf = "chosen_of";          // in its metadata: ChosenRows::batch

// Says ten times or so how far a proxy is.
class ProxyWatch : public Observer {
 public:
  explicit ProxyWatch(std::function<void(const std::string&)> say) : say_(std::move(say)) {}

  void on_run_begin(const RunBegin& run) override {
    constexpr std::int64_t kTimes = 10;
    epochs_ = (run.total_steps + run.steps_per_epoch - 1) / run.steps_per_epoch;
    every_ = std::max<std::int64_t>(1, epochs_ / kTimes);
  }
  void on_epoch_begin(const EpochBegin& event) override {
    if (event.epoch % every_ != 0) return;
    say_(format("epoch {} of {}{}", event.epoch + 1, epochs_,
                loss_ ? format(", loss {:.4f} of the samples it chose", *loss_) : ""));
  }
  void on_log_point(const LogPoint& point, StopSignal&) override { loss_ = point.train.loss; }

 private:
  std::function<void(const std::string&)> say_;
  std::int64_t epochs_ = 1;
  std::int64_t every_ = 1;
  std::optional<double> loss_;
};

}  // namespace

bool Fit::choose_rows() {
  if (run_.proxy == nullptr) return true;
  if (!rows_.positions.defined()) {
    if (!train_proxy()) return false;
    if (store_ != nullptr) try_to_save();  // so that no proxy is trained twice
  }
  run_.train->choose(rows_);
  return true;
}

bool Fit::train_proxy() {
  Trainer trainer(*run_.proxy, stop_);
  ProxyWatch watch([this](const std::string& text) { notice(Notice::Kind::proxy, text); });
  trainer.observe(watch);
  const RunEnd end = trainer.fit();
  if (end.reason != StopReason::finished && !stop_.requested())
    stop_.request(end.reason, "the proxy: " + end.message);
  settle();
  if (end.reason != StopReason::finished || agreement_.stops()) return false;
  rows_ = run_.proxy->hardest->table(*run_.group);
  logged_at_ = seconds();
  notice(Notice::Kind::proxy, format("trained in {:.1f} s", end.seconds));
  return true;
}

void Fit::add_rows(Snapshot& snapshot) const {
  if (!rows_.positions.defined()) return;
  snapshot.tensors.push_back({kPositions, rows_.positions});
  snapshot.metadata[kChosenOf] = std::to_string(rows_.batch);
}

// A snapshot from before they were chosen has none: then those that were chosen since stay.
void Fit::restore_rows(const Snapshot& snapshot, const std::string& source) {
  if (run_.proxy == nullptr) return;
  const auto found = std::find_if(snapshot.tensors.begin(), snapshot.tensors.end(),
                                  [](const NamedTensor& item) { return item.name == kPositions; });
  if (found == snapshot.tensors.end()) return;
  const StepPlan& steps = run_.steps;
  const auto batch = snapshot.metadata.find(kChosenOf);
  ChosenRows rows{found->tensor, 0, steps.steps_per_epoch};
  if (batch != snapshot.metadata.end()) rows.batch = parse_integer(batch->second).value_or(0);
  if (rows.positions.dim() == 2 &&
      (rows.batch != steps.read_batch || rows.positions.size(1) != steps.total_batch))
    throw CheckpointError(
        format("{}: its proxy chose {} of every {} samples, not {} of {}: a resumed run keeps "
               "data.batch_size and train.proxy.share",
               source, rows.positions.size(1), rows.batch, steps.total_batch, steps.read_batch));
  try {
    check_rows(rows, run_.train->size());
  } catch (const DataError& error) {
    throw CheckpointError(format("{}: {}; use an intact one", source, error.what()));
  }
  if (rows.positions.size(0) < steps.total_steps)
    throw CheckpointError(format(
        "{}: its proxy chose the samples of {} steps, and the run has {}: a run with train.proxy "
        "cannot be made longer; keep train.duration",
        source, rows.positions.size(0), steps.total_steps));
  rows_ = std::move(rows);
}

}  // namespace onecycle
