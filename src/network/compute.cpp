#include "onecycle/compute.h"

#include "onecycle/device_settings.h"
#include "onecycle/error.h"

#include "core/text/format.h"
#include "kernels/processor.h"

#include <filesystem>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>

namespace onecycle {

namespace {

bool has_convolutions(const torch::nn::Module& model) {
  for (const at::Tensor& parameter : model.parameters())
    if (parameter.dim() == 4) return true;
  return false;
}

// Whether products take a large part of a step: small ones gain nothing from narrow numbers.
bool has_large_layers(const torch::nn::Module& model) {
  constexpr std::int64_t kLarge = 1 << 16;  // weights: 256 x 256
  for (const auto& part : model.modules()) {
    if (part->as<torch::nn::Embedding>() != nullptr) continue;
    for (const at::Tensor& parameter : part->parameters(/*recurse=*/false))
      if (parameter.dim() == 2 && parameter.numel() >= kLarge) return true;
  }
  return false;
}

at::Device choose_device(DeviceChoice choice, std::int64_t index) {
  if (choice == DeviceChoice::cpu) return at::kCPU;
  const std::string obstacle = why_no_cuda(index);
  if (obstacle.empty()) return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
  if (choice == DeviceChoice::cuda)
    throw FieldError("train.device",
                     "cuda is not usable here: " + obstacle + "; set train.device to auto or cpu");
  return at::kCPU;
}

bool is_on_cpu(DeviceChoice choice, std::int64_t index) {
  return choice != DeviceChoice::cuda && !finds_gpu(choice, index);
}

at::ScalarType dtype_of(Precision precision, bool narrow_pays) {
  switch (precision) {
    case Precision::fp32:
      return at::kFloat;
    case Precision::bf16:
      return at::kBFloat16;
    case Precision::fp16:
      return at::kHalf;
    case Precision::fp64:
      return at::kDouble;
    case Precision::automatic:
      break;
  }
  return narrow_pays ? at::kBFloat16 : at::kFloat;
}

std::string name_of(at::ScalarType dtype) {
  if (dtype == at::kBFloat16) return "bf16 (fp32 masters)";
  if (dtype == at::kHalf) return "fp16 (fp32 masters)";
  return dtype == at::kDouble ? "fp64" : "fp32";
}

}  // namespace

std::string why_no_cuda(std::int64_t index) {
  if (at::hasCUDA()) {
    // A signed char.
    const std::int64_t count = static_cast<unsigned char>(at::detail::getCUDAHooks().deviceCount());
    if (index < count) return "";
    return format("rank {} of this machine needs a GPU of its own, and there are only {}", index,
                  count);
  }
  if (!std::filesystem::exists("/dev/nvidia0") && !std::filesystem::exists("/dev/nvidiactl"))
    return "no NVIDIA GPU or driver was found";
#ifdef USE_C10D_NCCL
  return "the NVIDIA driver does not support CUDA 13 (release 580 or newer is needed)";
#else
  return "this build has no CUDA: run the set-up again with ONECYCLE_TORCH=full";
#endif
}

bool finds_gpu(DeviceChoice device, std::int64_t index) {
  return device != DeviceChoice::cpu && why_no_cuda(index).empty();
}

std::string why_no_precision(const ComputeOptions& options, std::int64_t local_rank) {
  if (options.precision != Precision::bf16 || !is_on_cpu(options.device, local_rank)) return "";
  return kernels::why_no_bf16();
}

void require_precision(const ComputeOptions& options, std::int64_t local_rank) {
  const std::string obstacle = why_no_precision(options, local_rank);
  if (obstacle.empty()) return;
  throw FieldError("train.precision", "bf16 is not usable here: " + obstacle +
                                          "; set train.precision to auto or fp32");
}

Compute choose_compute(const ComputeOptions& options, const torch::nn::Module& model,
                       std::int64_t local_rank) {
  Compute compute;
  compute.device = choose_device(options.device, local_rank);
  const bool convolutions = has_convolutions(model);
  const bool hardware_bf16 = compute.device.is_cuda() || kernels::why_no_bf16().empty();
  compute.dtype =
      dtype_of(options.precision, hardware_bf16 && (convolutions || has_large_layers(model)));
  if (convolutions && compute.dtype != at::kDouble)
    compute.memory_format = at::MemoryFormat::ChannelsLast;
  const std::string where = compute.device.is_cuda()
                                ? format("CUDA device {}", compute.device.index())
                                : format("CPU, {} thread{}", at::get_num_threads(),
                                         at::get_num_threads() == 1 ? "" : "s");
  compute.summary = format(
      "{}, {}{}{}{}", where, name_of(compute.dtype),
      compute.dtype == at::kFloat && has_tf32(compute.device) ? " (" + tf32_text() + ")" : "",
      convolutions && compute.dtype != at::kDouble ? ", channels last" : "",
      at::globalContext().deterministicAlgorithms() ? ", deterministic" : "");
  return compute;
}

}  // namespace onecycle
