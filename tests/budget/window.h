#pragma once

#include "onecycle/trainer.h"

#include <functional>

namespace onecycle::testing {

// Trains, and calls `begin` after `first` steps and `end` after `last`.
class Window : public Observer {
 public:
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::function<void()> begin;
  std::function<void()> end;
  std::function<void()> each = [] {};  // after every step

  void on_batch_end(const BatchEnd& event) override {
    each();
    if (event.step + 1 == first) begin();
    if (event.step + 1 == last) end();
  }
  void train(Run& run) {
    Trainer trainer(run);
    trainer.observe(*this);
    trainer.fit();
  }
};

}  // namespace onecycle::testing
