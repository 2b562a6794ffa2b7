#include "optim/orthogonal.h"

#include <ATen/ATen.h>

namespace onecycle {

at::Tensor orthogonalised(const at::Tensor& matrix, std::int64_t iterations, at::ScalarType type) {
  constexpr double kLinear = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;
  constexpr double kTiny = 1e-7;
  const bool tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = (matrix / (at::linalg_vector_norm(matrix) + kTiny)).to(type);
  if (tall) x = x.t();
  for (std::int64_t i = 0; i < iterations; ++i) {
    const at::Tensor a = x.mm(x.t());
    const at::Tensor b = at::addmm(a, a, a, /*beta=*/kCubic, /*alpha=*/kQuintic);
    x = at::addmm(x, b, x, /*beta=*/kLinear, /*alpha=*/1);
  }
  return tall ? x.t() : x;
}

}  // namespace onecycle
