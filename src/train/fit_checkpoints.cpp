#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "core/text/format.h"
#include "data/tensor_bytes.h"
#include "train/fit.h"
#include "train/state/snapshot.h"

// The part of the loop that saves, resumes and falls back.
namespace onecycle {

void Fit::resume(const Snapshot& snapshot, const std::string& source) {
  for (const auto& [name, tensor] : snapshot.tensors) {
    try {
      check_finite(name, tensor, tensor.scalar_type());
    } catch (const CheckpointError& error) {
      throw CheckpointError(format("{}: {}", source, error.what()));
    }
  }
  restore_from(snapshot, source);
  resumed_from_ = format("{}, step {} of {}", source, state_.steps, run_.steps.total_steps);
}

void Fit::restore_from(const Snapshot& snapshot, const std::string& source) {
  state_ = restore(run_, average_ ? &*average_ : nullptr, snapshot, source,
                   lookahead_ ? &*lookahead_ : nullptr);
  restore_rows(snapshot, source);
  step_.restore(state_.sums, state_.scale);
  seconds_before_ = state_.seconds;
  watch_ = Stopwatch();
  logged_at_ = seconds();
  improved_ = false;
}

// Whether neither loss nor weights have left the numbers; asks the run to stop where they have.
bool Fit::is_sound() {
  state_.sums = step_.read();
  state_.scale = step_.scale();
  if (state_.sums.first_bad >= 0) {
    request_divergence(
        static_cast<std::int64_t>(state_.sums.first_bad) / run_.steps.micro_batches(),
        "the loss is");
    return false;
  }
  if (all_agree(*run_.group, weights_are_finite(*run_.parameters))) return true;
  request_divergence(std::max<std::int64_t>(0, state_.steps - 1), "the weights are");
  return false;
}

void Fit::save_if_due() {
  if (store_ == nullptr || at_end() || agreement_.stops()) return;
  const bool asked = agreement_.take_checkpoint_request();
  if (asked || (improved_ && failed_saves_ == 0) || due(run_.options.checkpoint_every))
    try_to_save();
}

// A checkpoint that cannot be saved leaves those before it, and the run goes on.
void Fit::try_to_save() {
  try {
    save();
  } catch (const DistError&) {
    throw;
  } catch (const Error& error) {
    if (failed_saves_++ == 0)
      notice(Notice::Kind::warning,
             format("this checkpoint was not saved: {}; training goes on", error.what()));
  }
}

void Fit::save_the_last() {
  try {
    save();
  } catch (const FileError& error) {
    throw FileError(format("the last weights were not saved: {}", error.what()));
  }
}

void Fit::save() {
  if (store_ == nullptr || !is_sound()) return;
  share_statistics();
  state_.seconds = seconds();
  if (improved_) state_.best_step = state_.steps;
  state_.observers.clear();
  for (Observer* observer : observers_)
    if (!observer->name().empty()) state_.observers[observer->name()] = observer->state();
  Snapshot snapshot =
      capture(run_, average_ ? &*average_ : nullptr, state_, lookahead_ ? &*lookahead_ : nullptr);
  add_rows(snapshot);
  const std::string path = store_->save(snapshot, state_.steps, improved_);
  improved_ = false;
  notice(Notice::Kind::checkpoint, path);
  if (failed_saves_ > 1)
    notice(Notice::Kind::warning, format("{} checkpoints before it were not saved", failed_saves_));
  failed_saves_ = 0;
}

// Nothing where there is none, or none can be read: the run has diverged all the same.
std::optional<Snapshot> Fit::latest_to_fall_back_to() {
  std::vector<std::string> warnings;
  std::optional<Snapshot> snapshot;
  try {
    snapshot = store_->load_latest(warnings);
  } catch (const DistError&) {
    throw;
  } catch (const Error& error) {
    warnings = {error.what()};
  }
  for (const std::string& warning : warnings) notice(Notice::Kind::warning, warning);
  return snapshot;
}

// After a divergence: back to the last checkpoint with a lower rate, where the recipe says so.
bool Fit::fall_back() {
  if (!agreement_.stops() || stop_.reason() != StopReason::diverged || store_ == nullptr ||
      state_.retries >= run_.options.retries || agreement_.signalled())
    return false;
  const auto snapshot = latest_to_fall_back_to();
  if (!snapshot) return false;
  const std::string cause = stop_.message();
  const std::int64_t retries = state_.retries + 1;
  const double lr_scale = state_.lr_scale * run_.options.retry_lr_scale;
  restore_from(*snapshot, "the last checkpoint");
  state_.retries = retries;
  state_.lr_scale = lr_scale;
  stop_.withdraw();
  agreement_.withdraw();
  for (Observer* observer : observers_)
    observer->restore(state_.observers[observer->name()], state_.steps);
  notice(Notice::Kind::fell_back,
         format("{}. Going back to step {} with {:.4g} times the learning rate (retry {} of {})",
                cause, state_.steps, lr_scale, retries, run_.options.retries));
  return true;
}

}  // namespace onecycle
