#pragma once

#include <string>

#include <c10/core/Device.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

namespace onecycle {

enum class DeviceChoice { automatic, cpu, cuda };

enum class Precision {
  automatic,  // bf16 for convolutions and large layers where the hardware has it, or fp32
  fp32,
  bf16,  // bf16 copies of the weights; masters, norms, loss and optimizer in fp32
  fp16,  // the same in fp16, with a loss scale that finds its size
  fp64,
};

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

}  // namespace onecycle
