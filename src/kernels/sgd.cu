#include "kernels/cuda_check.h"
#include "kernels/sgd.h"
#include "kernels/sgd_element.h"

#include <cuda_runtime.h>

namespace onecycle::kernels {

namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kElementsPerBlock = 4096;
constexpr int kTensorsPerLaunch = 48;  // a kernel's parameters are limited to 4 KiB

struct Launch {
  SgdTensor tensors[kTensorsPerLaunch];
  int first_block[kTensorsPerLaunch + 1];
  int num_tensors;
};

__device__ inline float widened(float value) { return value; }
__device__ inline double widened(double value) { return value; }
__device__ inline float widened(BFloat16 value) { return to_float(value); }

template <MomentumForm kForm, bool kNesterov, class T, class G>
__device__ void update(const SgdTensor& tensor, std::int64_t begin, const SgdScalars<T>& scalars) {
  T* weight = static_cast<T*>(tensor.weight);
  T* velocity = static_cast<T*>(tensor.velocity);
  const G* gradient = static_cast<const G*>(tensor.gradient);
  BFloat16* copy = static_cast<BFloat16*>(tensor.copy);
  const std::int64_t end = min(begin + kElementsPerBlock, tensor.size);
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
    T w = weight[i];
    T v = velocity[i];
    sgd_element<kForm, kNesterov, T>(w, v, static_cast<T>(widened(gradient[i])), scalars);
    weight[i] = w;
    velocity[i] = v;
    if (copy != nullptr) copy[i] = to_bfloat16(static_cast<float>(w));
  }
}

template <MomentumForm kForm, bool kNesterov>
__global__ void __launch_bounds__(kThreads)
    sgd_kernel(const Launch launch, const UpdateRule rule, const double* hyper) {
  int index = 0;
  while (index + 1 < launch.num_tensors &&
         static_cast<int>(blockIdx.x) >= launch.first_block[index + 1])
    ++index;
  const SgdTensor& tensor = launch.tensors[index];
  const std::int64_t begin =
      (static_cast<std::int64_t>(blockIdx.x) - launch.first_block[index]) * kElementsPerBlock;
  const bool narrow = tensor.gradient_type == ScalarType::bf16;
  if (tensor.type == ScalarType::f64) {
    const auto scalars = sgd_scalars<double>(tensor, rule, hyper);
    narrow ? update<kForm, kNesterov, double, BFloat16>(tensor, begin, scalars)
           : update<kForm, kNesterov, double, double>(tensor, begin, scalars);
  } else {
    const auto scalars = sgd_scalars<float>(tensor, rule, hyper);
    narrow ? update<kForm, kNesterov, float, BFloat16>(tensor, begin, scalars)
           : update<kForm, kNesterov, float, float>(tensor, begin, scalars);
  }
}

template <MomentumForm kForm>
void launch_form(const Launch& launch, const UpdateRule& rule, const double* hyper,
                 cudaStream_t stream) {
  const int blocks = launch.first_block[launch.num_tensors];
  if (rule.nesterov) {
    sgd_kernel<kForm, true><<<blocks, kThreads, 0, stream>>>(launch, rule, hyper);
  } else {
    sgd_kernel<kForm, false><<<blocks, kThreads, 0, stream>>>(launch, rule, hyper);
  }
  check_cuda(cudaGetLastError(), "the SGD update");
}

void launch_update(const Launch& launch, const UpdateRule& rule, const double* hyper,
                   cudaStream_t stream) {
  if (launch.num_tensors == 0) return;
  switch (rule.form) {
    case MomentumForm::torch:
      return launch_form<MomentumForm::torch>(launch, rule, hyper, stream);
    case MomentumForm::ema:
      return launch_form<MomentumForm::ema>(launch, rule, hyper, stream);
    case MomentumForm::caffe:
      return launch_form<MomentumForm::caffe>(launch, rule, hyper, stream);
  }
}

}  // namespace

void sgd_cuda(const SgdTensor* tensors, int num_tensors, const UpdateRule& rule,
              const double* hyper, void* stream) {
  Launch launch{};
  for (int i = 0; i < num_tensors; ++i) {
    if (tensors[i].size == 0) continue;
    const auto blocks = (tensors[i].size + kElementsPerBlock - 1) / kElementsPerBlock;
    launch.tensors[launch.num_tensors] = tensors[i];
    launch.first_block[launch.num_tensors + 1] =
        launch.first_block[launch.num_tensors] + static_cast<int>(blocks);
    if (++launch.num_tensors == kTensorsPerLaunch) {
      launch_update(launch, rule, hyper, static_cast<cudaStream_t>(stream));
      launch = Launch{};
    }
  }
  launch_update(launch, rule, hyper, static_cast<cudaStream_t>(stream));
}

}  // namespace onecycle::kernels
