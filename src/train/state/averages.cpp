#include "train/state/averages.h"

#include "onecycle/current_stream.h"

#include "optim/tensor_pieces.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

// A tensor that kernels cannot walk: with gaps, or in a narrow type.
void queue_any(at::Tensor& kept, at::Tensor& live,
               const OnDevice<kernels::AverageNumbers>& numbers) {
  using Numbers = kernels::AverageNumbers;
  const at::NoGradGuard no_grad;
  const at::Tensor weight = numbers.member(&Numbers::weight).to(kept.scalar_type());
  kept.copy_(at::where(numbers.member(&Numbers::moves) != 0, at::lerp(kept, live, weight), kept));
  live.copy_(at::where(numbers.member(&Numbers::returns) != 0, kept, live));
}

bool kernels_walk(const at::Tensor& kept, const at::Tensor& live) {
  const auto type = live.scalar_type();
  return (type == at::kFloat || type == at::kDouble) && live.is_non_overlapping_and_dense() &&
         same_layout(kept, live);
}

}  // namespace

TensorCopies::TensorCopies(const Parameters& parameters) {
  const at::NoGradGuard no_grad;
  TensorsByName working;
  for (const auto* list : {&parameters.all(), &parameters.fixed()})
    for (const Parameter& parameter : *list)
      if (parameter.working.scalar_type() != parameter.master.scalar_type())
        working[parameter.name] = parameter.working;
  for (const auto& [name, tensor] : averaged_tensors(parameters)) {
    names.push_back(name);
    live.push_back(tensor);
    copies.push_back(tensor.clone());
    const auto found = working.find(name);
    narrow.push_back(found == working.end() ? at::Tensor() : found->second);
  }
}

void TensorCopies::queue(const OnDevice<kernels::AverageNumbers>& numbers) {
  if (device().is_cpu() && numbers.data()->moves == 0 && numbers.data()->returns == 0) return;
  std::vector<kernels::UpdateTensor> tensors;
  for (std::size_t i = 0; i < live.size(); ++i) {
    if (!kernels_walk(copies[i], live[i])) {
      queue_any(copies[i], live[i], numbers);
      continue;
    }
    kernels::UpdateTensor& tensor = tensors.emplace_back();
    tensor.weight = live[i].mutable_data_ptr();
    tensor.state[0] = copies[i].mutable_data_ptr();
    tensor.size = live[i].numel();
    tensor.type = kernel_type(live[i]);
    if (!narrow[i].defined()) continue;
    tensor.copy = narrow[i].mutable_data_ptr();
    tensor.copy_type = kernel_type(narrow[i]);
  }
  if (device().is_cuda())
    return kernels::average_cuda(tensors.data(), static_cast<int>(tensors.size()), numbers.data(),
                                 current_stream(device()));
  for_pieces(tensors,
             [&](const kernels::UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
               kernels::average_cpu(tensor, begin, end, numbers.data());
             });
}

TensorsByName TensorCopies::by_name() const {
  TensorsByName result;
  for (std::size_t i = 0; i < names.size(); ++i) result[names[i]] = copies[i];
  return result;
}

WeightAverage::WeightAverage(Parameters& parameters, double decay)
    : parameters_(parameters), decay_(decay), tensors_(parameters), numbers_(tensors_.device()) {}

void WeightAverage::write(std::int64_t step) {
  const auto updates = static_cast<double>(step);
  const double keep = std::min(decay_, (1 + updates) / (10 + updates));
  numbers_.write({1 - keep, 1, 0});
}

void WeightAverage::swap() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < tensors_.live.size(); ++i) {
    const at::Tensor kept = tensors_.live[i].clone();
    tensors_.live[i].copy_(tensors_.copies[i]);
    tensors_.copies[i].copy_(kept);
  }
  parameters_.refresh_working();
}

Lookahead::Lookahead(const Parameters& parameters, const LookaheadOptions& options,
                     std::int64_t total_steps)
    : options_(options),
      total_steps_(total_steps),
      tensors_(parameters),
      numbers_(tensors_.device()) {}

void Lookahead::write(std::int64_t steps) {
  const bool due = steps % options_.every.value() == 0;
  const double p = static_cast<double>(steps) / static_cast<double>(total_steps_);
  kernels::AverageNumbers numbers;
  numbers.weight = 1 - options_.keep * std::pow(p, options_.power);
  numbers.moves = due ? 1 : 0;
  numbers.returns = due || steps >= total_steps_ ? 1 : 0;
  numbers_.write(numbers);
}

}  // namespace onecycle
