#include "optim/tensor_pieces.h"

#include "onecycle/error.h"

#include <algorithm>

#include <ATen/Parallel.h>

namespace onecycle {

bool same_layout(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return false;
  for (std::int64_t i = 0; i < a.dim(); ++i)
    if (a.size(i) != 1 && a.stride(i) != b.stride(i)) return false;
  return true;
}

kernels::ScalarType kernel_type(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return kernels::ScalarType::f32;
    case at::kDouble:
      return kernels::ScalarType::f64;
    case at::kBFloat16:
      return kernels::ScalarType::bf16;
    case at::kHalf:
      return kernels::ScalarType::f16;
    default:
      throw Error("weights must be float32, float64, bfloat16 or float16");
  }
}

void for_pieces(const std::vector<kernels::UpdateTensor>& tensors, const PieceFunction& run) {
  constexpr std::int64_t kElementsPerPiece = 1 << 14;
  struct Piece {
    const kernels::UpdateTensor* tensor;
    std::int64_t begin;
  };
  std::vector<Piece> pieces;
  for (const kernels::UpdateTensor& tensor : tensors)
    for (std::int64_t begin = 0; begin < tensor.size; begin += kElementsPerPiece)
      pieces.push_back({&tensor, begin});
  at::parallel_for(0, static_cast<std::int64_t>(pieces.size()), 1,
                   [&](std::int64_t first, std::int64_t last) {
                     for (std::int64_t i = first; i < last; ++i) {
                       const auto& [tensor, begin] = pieces[static_cast<std::size_t>(i)];
                       run(*tensor, begin, std::min(begin + kElementsPerPiece, tensor->size));
                     }
                   });
}

}  // namespace onecycle
