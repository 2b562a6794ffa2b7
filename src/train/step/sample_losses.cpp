#include "train/step/sample_losses.h"

#include <cstring>
#include <string>

#include <ATen/ATen.h>

namespace onecycle {

void SampleLosses::add(const Task& task, const at::Tensor& outputs, const Batch& batch) {
  const at::Tensor losses = task.sample_losses(outputs, batch);
  if (losses.defined()) own_.push_back(losses.detach().to(at::kFloat));
}

std::vector<float> SampleLosses::of_all(Group& group) const {
  std::string own;
  if (!own_.empty()) {
    const at::Tensor losses = at::cat(own_).cpu().contiguous();
    own.assign(static_cast<const char*>(losses.const_data_ptr()), losses.nbytes());
  }
  std::vector<float> all;
  for (const std::string& part : group.all_gather_bytes(own)) {
    const std::size_t before = all.size();
    all.resize(before + part.size() / sizeof(float));
    if (!part.empty()) std::memcpy(all.data() + before, part.data(), part.size());
  }
  return all;
}

}  // namespace onecycle
