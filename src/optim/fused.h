#pragma once

#include "onecycle/optimizer.h"

#include "kernels/update/update_tensor.h"

#include <string>
#include <vector>

namespace onecycle {

// An optimizer whose update is one pass of a kernel over each tensor.
class FusedOptimizer : public Optimizer {
 public:
  void step() override;
  std::vector<NamedTensor> state() const final;

 protected:
  Parameters& parameters() { return parameters_; }
  at::Tensor& state_of(std::size_t slot, std::size_t parameter) { return states_[slot][parameter]; }
  // Where the kernels read it, or null.
  const kernels::LossScale* scale_data() const {
    return loss_scale_ ? loss_scale_->data() : nullptr;
  }
  // `slots` names the states of a weight, at most two, in the order of UpdateTensor::state.
  FusedOptimizer(Parameters& parameters, std::vector<std::string> slots);

  virtual void update_on_cpu(const kernels::UpdateTensor& tensor, std::int64_t begin,
                             std::int64_t end) const = 0;
  virtual void update_on_cuda(const std::vector<kernels::UpdateTensor>& tensors,
                              void* stream) const = 0;

 private:
  void add_tensor(std::size_t index);
  void step_on_cpu();

  Parameters& parameters_;
  at::Device device_;
  std::vector<std::string> slots_;
  std::vector<std::vector<at::Tensor>> states_;  // by slot, then by parameter
  std::vector<kernels::UpdateTensor> tensors_;   // of this step; kept for its capacity
};

}  // namespace onecycle
