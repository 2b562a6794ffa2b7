#include "nn/layers/whitening.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::int64_t kImagesAtOnce = 256;  // patches of more would fill memory

at::Tensor second_moments(const at::Tensor& images, std::int64_t kernel) {
  const std::int64_t size = images.size(1) * kernel * kernel;
  at::Tensor sum = at::zeros({size, size}, at::kDouble);
  std::int64_t count = 0;
  for (std::int64_t first = 0; first < images.size(0); first += kImagesAtOnce) {
    const at::Tensor some =
        images.narrow(0, first, std::min(kImagesAtOnce, images.size(0) - first)).to(at::kDouble);
    const at::Tensor patches = some.unfold(2, kernel, 1)
                                   .unfold(3, kernel, 1)
                                   .permute({0, 2, 3, 1, 4, 5})
                                   .reshape({-1, size});
    sum += patches.t().mm(patches);
    count += patches.size(0);
  }
  return sum / static_cast<double>(count);
}

}  // namespace

at::Tensor whitening_filters(const at::Tensor& images, std::int64_t kernel, double eps) {
  const at::NoGradGuard no_grad;
  const auto [ascending, columns] = at::linalg_eigh(second_moments(images, kernel));
  const at::Tensor values = ascending.flip(0);
  at::Tensor vectors = columns.t().flip(0);
  // An eigenvector's sign is the library's choice: its largest number becomes positive.
  const at::Tensor largest = vectors.abs().argmax(1, /*keepdim=*/true);
  vectors = vectors * vectors.gather(1, largest).sign();
  const at::Tensor half = vectors / (values.clamp_min(0) + eps).sqrt().unsqueeze(1);
  return at::cat({half, -half})
      .reshape({-1, images.size(1), kernel, kernel})
      .to(at::kFloat)
      .contiguous();
}

}  // namespace onecycle
