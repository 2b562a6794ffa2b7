#include "train/state/tensor_copies.h"

#include <ATen/ATen.h>

namespace onecycle {

TensorCopies::TensorCopies(const Parameters& parameters) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : averaged_tensors(parameters)) {
    names.push_back(name);
    live.push_back(tensor);
    copies.push_back(tensor.clone());
  }
}

TensorsByName TensorCopies::by_name() const {
  TensorsByName result;
  for (std::size_t i = 0; i < names.size(); ++i) result[names[i]] = copies[i];
  return result;
}

}  // namespace onecycle
