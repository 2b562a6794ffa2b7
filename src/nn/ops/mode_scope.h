#pragma once

#include <exception>
#include <memory>
#include <vector>

#include <torch/nn/module.h>

namespace onecycle {

// At its end, each part of the module is back in the mode, training or evaluation, that it was in.
class ModeScope {
 public:
  explicit ModeScope(torch::nn::Module& module) : modules_(module.modules()) {
    for (const auto& part : modules_) training_.push_back(part->is_training());
  }
  ~ModeScope() {
    // A part comes before its children, whose modes it sets too.
    try {
      for (std::size_t i = 0; i < modules_.size(); ++i) modules_[i]->train(training_[i]);
    } catch (const std::exception&) {  // of a caller's module, whose mode is then its own affair
    }
  }
  ModeScope(const ModeScope&) = delete;
  ModeScope& operator=(const ModeScope&) = delete;

 private:
  std::vector<std::shared_ptr<torch::nn::Module>> modules_;
  std::vector<bool> training_;
};

}  // namespace onecycle
