#pragma once

#include "onecycle/fit_options.h"
#include "onecycle/optimizer.h"

#include "train/state/tensor_copies.h"

#include <cstdint>
#include <string>
#include <vector>

namespace onecycle {

// Lookahead (Zhang et al. 2019, arXiv 1907.08610) over the weights and the norms' statistics. After
// every k-th step t of T: kept <- s kept + (1 - s) weight, weight <- kept, s = keep (t / T)^power;
// after the last step weight <- kept. K. Jordan's airbench has keep .95^5 and power 3, the paper
// keep .5 and power 0.
class Lookahead {
 public:
  Lookahead(Parameters& parameters, const LookaheadOptions& options, std::int64_t total_steps);

  // After `steps` steps of the run. Does not wait for the device.
  void after(std::int64_t steps);

  // What is kept, live, by name.
  TensorsByName tensors() const { return tensors_.by_name(); }

 private:
  Parameters& parameters_;
  LookaheadOptions options_;
  std::int64_t total_steps_;
  TensorCopies tensors_;
};

}  // namespace onecycle
