#include "optim/matrix_stacks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

// [out, numbers]
std::pair<std::int64_t, std::int64_t> matrix_shape(const at::Tensor& weight) {
  return {weight.size(0), weight.numel() / std::max<std::int64_t>(weight.size(0), 1)};
}

bool is_tall(const at::Tensor& weight) {
  const auto [out, numbers] = matrix_shape(weight);
  return out > numbers;
}

// A view of a matrix [out, numbers] that lies as the weight does.
at::Tensor viewed_as_weight(const at::Tensor& matrix, const at::Tensor& weight) {
  if (weight.dim() != 4 || !weight.is_contiguous(at::MemoryFormat::ChannelsLast))
    return matrix.view(weight.sizes());
  return matrix.view({weight.size(0), weight.size(2), weight.size(3), weight.size(1)})
      .permute({0, 3, 1, 2});
}

// [values, 1, 1]; made where it lies, so that nothing waits for the device.
at::Tensor factors(const std::vector<double>& values, const at::TensorOptions& options) {
  const at::Tensor result = at::empty({static_cast<std::int64_t>(values.size()), 1, 1}, options);
  for (std::size_t i = 0; i < values.size(); ++i)
    result.select(0, static_cast<std::int64_t>(i)).fill_(values[i]);
  return result;
}

}  // namespace

MatrixStacks::MatrixStacks(const Parameters& parameters, const std::vector<std::size_t>& matrices,
                           at::ScalarType type)
    : parameters_(parameters), matrices_(matrices) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> by_shape;
  for (const std::size_t index : matrices) {
    auto [m, n] = matrix_shape(parameters.all()[index].master);
    if (m > n) std::swap(m, n);
    by_shape[{m, n}].push_back(index);
  }
  for (const auto& [shape, weights] : by_shape) {
    const auto [m, n] = shape;
    const auto count = static_cast<std::int64_t>(weights.size());
    const at::TensorOptions options = parameters.all()[weights[0]].master.options();
    all_.push_back({.weights = weights,
                    .memory = at::empty({count, m, n}, options),
                    .newton_schulz = NewtonSchulz(count, m, n, options.dtype(type)),
                    .values = {},
                    .lr_scales = {},
                    .decay_scales = {},
                    .root_rows = {},
                    .direction = {}});
  }
}

void MatrixStacks::arrange() {
  std::vector<std::size_t> taking_part;
  for (const std::size_t index : matrices_)
    if (parameters_.all()[index].working.grad().defined()) taking_part.push_back(index);
  if (taking_part == taking_part_) return;
  taking_part_ = std::move(taking_part);
  active_.clear();
  lists_.clear();
  decays_ = false;
  MatrixList upright, tall;
  for (MatrixStack& stack : all_) {
    arrange(stack, upright, tall);
    if (stack.count > 0) active_.push_back(&stack);
  }
  for (MatrixList* list : {&upright, &tall})
    if (!list->masters.empty()) lists_.push_back(std::move(*list));
}

void MatrixStacks::arrange(MatrixStack& stack, MatrixList& upright, MatrixList& tall) {
  std::vector<double> lr_scales, decay_scales, root_rows;
  for (const std::size_t index : stack.weights) {
    if (std::find(taking_part_.begin(), taking_part_.end(), index) == taking_part_.end()) continue;
    const Parameter& parameter = parameters_.all()[index];
    const bool turned = is_tall(parameter.master);
    const at::Tensor matrix = stack.memory.select(0, static_cast<std::int64_t>(lr_scales.size()));
    MatrixList& list = turned ? tall : upright;
    list.weights.push_back(index);
    list.masters.push_back(parameter.master);
    list.values.push_back(viewed_as_weight(turned ? matrix.t() : matrix, parameter.master));
    if (parameter.working.scalar_type() != parameter.master.scalar_type()) {
      list.narrow.push_back(parameter.working);
      list.copied.push_back(parameter.master);
    }
    lr_scales.push_back(parameter.lr_scale);
    decay_scales.push_back(parameter.decay_scale);
    root_rows.push_back(std::sqrt(static_cast<double>(parameter.master.size(0))));
    decays_ = decays_ || parameter.decay_scale != 0;
  }
  stack.count = static_cast<std::int64_t>(lr_scales.size());
  if (stack.count == 0) return;
  const at::TensorOptions options = stack.memory.options();
  stack.values = stack.memory.narrow(0, 0, stack.count);
  stack.lr_scales = factors(lr_scales, options.dtype(at::kDouble));
  stack.decay_scales = factors(decay_scales, options.dtype(at::kDouble));
  stack.root_rows = factors(root_rows, options);
}

}  // namespace onecycle
