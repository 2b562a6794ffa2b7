#pragma once

#include "network/weights.h"

#include <string>
#include <vector>

namespace onecycle {

// What an average over a run keeps of a model: its averaged tensors, live, and a copy of each.
struct TensorCopies {
  explicit TensorCopies(const Parameters& parameters);

  TensorsByName by_name() const;  // the copies, live

  std::vector<std::string> names;
  std::vector<at::Tensor> live;
  std::vector<at::Tensor> copies;
};

}  // namespace onecycle
