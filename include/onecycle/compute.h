#pragma once

#include <cstdint>
#include <string>

#include <c10/core/Device.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

namespace torch::nn {
class Module;
}

namespace onecycle {

// automatic: the GPU of the process where there is one, else the CPU.
enum class DeviceChoice { automatic, cpu, cuda };

// The number format of a run.
enum class Precision {
  automatic,  // bf16 for convolutions and large layers where the hardware has it, or fp32
  fp32,
  bf16,  // bf16 copies of the weights; masters, norms, loss and optimizer in fp32
  fp16,  // the same in fp16, with a loss scale that finds its size
  fp64,
};

// What a caller asks for.
struct ComputeOptions {
  DeviceChoice device = DeviceChoice::automatic;
  Precision precision = Precision::automatic;
};

// Where and in which number format a run computes.
struct Compute {
  c10::Device device = c10::kCPU;
  c10::ScalarType dtype = c10::kFloat;
  c10::MemoryFormat memory_format = c10::MemoryFormat::Contiguous;
  std::string summary;  // one phrase: what was chosen and why
};

// Chooses the device and the number format for a model, and says so in `summary`. A rank takes the
// GPU of its number on its machine. Throws FieldError for what this machine or build has not.
Compute choose_compute(const ComputeOptions& options, const torch::nn::Module& model,
                       std::int64_t local_rank = 0);

// Why the number format that `options` name has no hardware here: half a sentence. "" where it has,
// or where it names none. `local_rank`: which GPU would be the process's.
std::string why_no_precision(const ComputeOptions& options, std::int64_t local_rank = 0);

// Throws FieldError with that. A run would be right all the same, and many times slower: for
// callers to ask before they read any data.
void require_precision(const ComputeOptions& options, std::int64_t local_rank = 0);

// "no NVIDIA driver", "the driver is too old for CUDA 13", ...: why there is no CUDA device to use,
// or "" where there is one. `index`: which of them is asked for.
std::string why_no_cuda(std::int64_t index = 0);

// Whether what may choose so gets the GPU of this number.
bool finds_gpu(DeviceChoice device, std::int64_t index = 0);

}  // namespace onecycle
