#pragma once

#include <exception>
#include <optional>
#include <string>

#include <c10/core/Device.h>

namespace onecycle {

// Where a GPU of compute capability 8.0 or more may round the factors of fp32 products to TF32,
// with 10 bits of mantissa; the sums stay fp32. Without effect elsewhere.
enum class Tf32Choice {
  automatic,  // what PyTorch does by itself: convolutions, not matrix products
  on,         // convolutions and matrix products
  off,        // neither: fp32 as it says
};

// Whether cuDNN times its algorithms at the first step of every shape, and keeps the fastest.
enum class AutotuneChoice {
  automatic,  // unless the run is deterministic
  on,         // always: contradicts a deterministic run
  off,        // never: cuDNN's own choice
};

// What LibTorch has one setting of in a process, for all who compute in it.
struct DeviceSettings {
  Tf32Choice tf32 = Tf32Choice::automatic;
  AutotuneChoice autotune = AutotuneChoice::automatic;
  // Equal bits for an equal device, build and number of threads. On a GPU: deterministic cuDNN and
  // cuBLAS without autotuning, and an error where an operation has no deterministic
  // implementation. On a CPU the library's own models are so anyway; of ATen's operations the sums
  // by position (the gradient of x.index({positions})) are not without it, with several threads.
  bool deterministic = false;

  bool operator==(const DeviceSettings&) const = default;
};

// Why `settings` contradict themselves, of autotune: a sentence without its end. "" where they do
// not.
std::string why_contradictory(const DeviceSettings& settings);

// Sets the process to what is asked for, whatever it was set to before. Nothing in the library
// calls it: a program does, before its first work on a GPU, and hands it to
// Environment::use_device. Where `deterministic` is asked for, CUBLAS_WORKSPACE_CONFIG becomes
// ":4096:8" in the environment, which cuBLAS reads when it starts. Throws FieldError for autotuning
// of a deterministic run, and, on a machine with a GPU, for a CUBLAS_WORKSPACE_CONFIG that is set
// and not deterministic.
void use_device_settings(const DeviceSettings& settings);

// Puts back, when it ends, what use_device_settings() may have changed since it was made.
class DeviceSettingsGuard {
 public:
  // Notes what the process is set to.
  DeviceSettingsGuard();
  ~DeviceSettingsGuard();
  DeviceSettingsGuard(const DeviceSettingsGuard&) = delete;
  DeviceSettingsGuard& operator=(const DeviceSettingsGuard&) = delete;

 private:
  bool tf32_products_, tf32_convolutions_, autotunes_, cudnn_, algorithms_, warns_only_, fills_;
  std::optional<std::string> cublas_;
};

// Why cuBLAS would not repeat its bits under this value of CUBLAS_WORKSPACE_CONFIG (null: not set):
// a sentence without its end. "" where it would: ":4096:8" and ":16:8", by cuBLAS's documentation.
std::string why_not_deterministic(const char* cublas_workspace);

// Whether the device computes in TF32 if it may.
bool has_tf32(c10::Device device);

// What the process's fp32 products are rounded to TF32 in: "TF32 in convolutions", "TF32 in
// products and convolutions", "TF32 in products" or "no TF32".
std::string tf32_text();

// The operation that ATen says it has no deterministic implementation of, where that is what
// `error` says.
std::optional<std::string> operation_not_deterministic(const std::exception& error);

// For people who asked for a deterministic run: that operation, and what to do.
std::string not_deterministic_text(const std::string& operation);

}  // namespace onecycle
