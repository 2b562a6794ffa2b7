#include "train/state/kept_state.h"

#include "train/state/snapshot.h"

namespace onecycle {

KeptState::KeptState(const Run& run) : run_(run), modes_(*run.model) {
  RunState state;
  state.steps = run.optimizer->updates();
  before_ = capture(run, nullptr, state);
  for (const Parameter& parameter : run.parameters->all())
    trained_.push_back({parameter.working.requires_grad(), parameter.working.grad()});
}

void KeptState::put_gradients_aside() const {
  for (Parameter& parameter : run_.parameters->all()) parameter.working.mutable_grad().reset();
}

void KeptState::put_back() const {
  restore(run_, nullptr, before_, "the run before it was tried");
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    at::Tensor& working = run_.parameters->all()[i].working;
    working.mutable_grad() = trained_[i].gradient;
    working.set_requires_grad(trained_[i].takes_gradients);
  }
}

}  // namespace onecycle
