#include "train/fit.h"

#include <ATen/ATen.h>

// The part of the loop that keeps ranks alike.
namespace onecycle {

// All begin with what rank 0 has.
void Fit::share_weights() {
  if (run_.group->size() == 1) return;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> tensors;
  for (const Parameter& parameter : run_.parameters->all()) tensors.push_back(parameter.master);
  for (const Parameter& parameter : run_.parameters->fixed()) tensors.push_back(parameter.master);
  for (const at::Tensor& buffer : run_.model->buffers()) tensors.push_back(buffer);
  for (const NamedTensor& item : run_.optimizer->state()) tensors.push_back(item.tensor);
  run_.group->broadcast(tensors);
  run_.parameters->refresh_working();
}

// Running statistics of norms, and what averages keep of them, become the mean over the ranks,
// which every rank then goes on from.
void Fit::share_statistics() {
  if (run_.group->size() == 1) return;
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> statistics;
  std::vector<at::Tensor> flat;
  std::vector<at::Tensor> buffers = run_.model->buffers();
  const auto add_kept = [&](const TensorsByName& kept) {
    for (const auto& item : run_.model->named_buffers())
      if (item.value().is_floating_point()) buffers.push_back(kept.at(item.key()));
  };
  if (lookahead_) add_kept(lookahead_->tensors());
  if (average_) add_kept(average_->tensors());
  for (const at::Tensor& buffer : buffers) {
    if (!buffer.is_floating_point()) continue;
    statistics.push_back(buffer);
    flat.push_back(buffer.reshape({-1}).to(at::kDouble));
  }
  if (flat.empty()) return;
  at::Tensor sums = at::cat(flat);
  run_.group->all_reduce(sums);
  sums /= static_cast<double>(run_.group->size());
  std::int64_t first = 0;
  for (at::Tensor& buffer : statistics) {
    buffer.copy_(sums.narrow(0, first, buffer.numel()).view(buffer.sizes()));
    first += buffer.numel();
  }
}

}  // namespace onecycle
