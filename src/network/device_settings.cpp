#include "onecycle/device_settings.h"

#include "onecycle/compute.h"
#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/printable.h"

#include <cstdlib>
#include <string_view>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>
#include <c10/util/env.h>

namespace onecycle {

namespace {

constexpr const char* kCublasVariable = "CUBLAS_WORKSPACE_CONFIG";
constexpr const char* kCublasWorkspace = ":4096:8";

bool tf32_products() {
  return at::globalContext().float32Precision(at::Float32Backend::CUDA, at::Float32Op::MATMUL) ==
         at::Float32Precision::TF32;
}

bool tf32_convolutions() {
  return at::globalContext().float32Precision(at::Float32Backend::CUDA, at::Float32Op::CONV) ==
         at::Float32Precision::TF32;
}

void make_cublas_deterministic() {
  const auto given = c10::utils::get_env(kCublasVariable);
  const std::string why = why_not_deterministic(given ? given->c_str() : nullptr);
  if (why.empty()) return;
  if (given && !given->empty()) {
    if (!why_no_cuda().empty()) return;
    throw FieldError("train.deterministic", why);
  }
  c10::utils::set_env(kCublasVariable, kCublasWorkspace, /*overwrite=*/true);
}

}  // namespace

std::string why_contradictory(const DeviceSettings& settings) {
  if (!settings.deterministic || settings.autotune != AutotuneChoice::on) return "";
  return "on contradicts deterministic: which algorithm is fastest is not the same in every run; "
         "leave it at auto";
}

void use_device_settings(const DeviceSettings& settings) {
  if (const std::string why = why_contradictory(settings); !why.empty())
    throw FieldError("train.autotune", why);
  if (settings.deterministic) make_cublas_deterministic();
  at::Context& context = at::globalContext();
  context.setAllowTF32CuBLAS(settings.tf32 == Tf32Choice::on);
  context.setAllowTF32CuDNN(settings.tf32 != Tf32Choice::off);
  context.setBenchmarkCuDNN(!settings.deterministic && settings.autotune != AutotuneChoice::off);
  context.setDeterministicCuDNN(settings.deterministic);
  context.setDeterministicAlgorithms(settings.deterministic, /*warn_only=*/false);
  // Memory that is written before it is read needs no second write to be the same in every run.
  context.setDeterministicFillUninitializedMemory(!settings.deterministic);
}

DeviceSettingsGuard::DeviceSettingsGuard()
    : tf32_products_(tf32_products()),
      tf32_convolutions_(tf32_convolutions()),
      autotunes_(at::globalContext().benchmarkCuDNN()),
      cudnn_(at::globalContext().deterministicCuDNN()),
      algorithms_(at::globalContext().deterministicAlgorithms()),
      warns_only_(at::globalContext().deterministicAlgorithmsWarnOnly()),
      fills_(at::globalContext().deterministicFillUninitializedMemory()),
      cublas_(c10::utils::get_env(kCublasVariable)) {}

DeviceSettingsGuard::~DeviceSettingsGuard() {
  at::Context& context = at::globalContext();
  context.setAllowTF32CuBLAS(tf32_products_);
  context.setAllowTF32CuDNN(tf32_convolutions_);
  context.setBenchmarkCuDNN(autotunes_);
  context.setDeterministicCuDNN(cudnn_);
  context.setDeterministicAlgorithms(algorithms_, warns_only_);
  context.setDeterministicFillUninitializedMemory(fills_);
  if (c10::utils::get_env(kCublasVariable) == cublas_) return;
  if (cublas_)
    c10::utils::set_env(kCublasVariable, cublas_->c_str(), /*overwrite=*/true);
  else
    ::unsetenv(kCublasVariable);
}

std::string why_not_deterministic(const char* cublas_workspace) {
  const std::string_view given = cublas_workspace == nullptr ? "" : cublas_workspace;
  if (given == kCublasWorkspace || given == ":16:8") return "";
  return format(
      "{} is {}, with which cuBLAS does not repeat its bits; unset it, or set it to {} or :16:8",
      kCublasVariable, given.empty() ? "not set" : "'" + std::string(given) + "'",
      kCublasWorkspace);
}

// cuDNN's bf16 convolutions and TF32 came with the same cards, of compute capability 8.0.
bool has_tf32(c10::Device device) {
  if (!device.is_cuda()) return false;
  const c10::DeviceGuard guard(device);
  return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
}

std::string tf32_text() {
  if (tf32_products())
    return tf32_convolutions() ? "TF32 in products and convolutions" : "TF32 in products";
  return tf32_convolutions() ? "TF32 in convolutions" : "no TF32";
}

std::optional<std::string> operation_not_deterministic(const std::exception& error) {
  const std::string line = first_line(error.what());
  const std::size_t end = line.find(" does not have a deterministic implementation");
  if (end == std::string::npos) return std::nullopt;
  return line.substr(0, end);
}

std::string not_deterministic_text(const std::string& operation) {
  return format(
      "{} has no deterministic implementation on this device; set train.deterministic=false, or "
      "train with train.device=cpu",
      operation);
}

}  // namespace onecycle
