#include "kernels/update/loss_scale.h"

#include <cmath>

namespace onecycle::kernels {

namespace {

template <class G>
bool has_bad(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
  const G* gradient = static_cast<const G*>(tensor.gradient);
  bool bad = false;
  for (std::int64_t i = begin; i < end; ++i) bad |= !std::isfinite(widened(gradient[i]));
  return bad;
}

bool has_bad_of_type(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end) {
  switch (tensor.gradient_type) {
    case ScalarType::f32:
      return has_bad<float>(tensor, begin, end);
    case ScalarType::f64:
      return has_bad<double>(tensor, begin, end);
    case ScalarType::bf16:
      return has_bad<BFloat16>(tensor, begin, end);
    case ScalarType::f16:
      return has_bad<Float16>(tensor, begin, end);
  }
  return false;
}

}  // namespace

void find_bad_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                  LossScale* state) {
  if (has_bad_of_type(tensor, begin, end)) __atomic_store_n(&state->bad, 1, __ATOMIC_RELAXED);
}

}  // namespace onecycle::kernels
