#pragma once

#include "onecycle/compute.h"

#include "core/memory/host_memory.h"

#include <cstdint>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Of the memory, what stays free unless somebody says otherwise.
inline constexpr double kMemoryMargin = 0.1;

// `memory` less a share of it.
std::int64_t less_margin(std::int64_t memory, double margin);

std::string bytes_text(std::int64_t bytes);  // "1.8 GiB"

// `why`: of the probe of `smallest`.
std::string nothing_fits(std::int64_t smallest, std::int64_t limit_bytes, const std::string& why);

// Throws FieldError where passes of at most `most` samples do not hold `unit` of them, the groups
// of model.bn_batch.
void require_a_size(std::int64_t most, std::int64_t unit);

// Holds this process, for good, to what a probe may use. On the CPU that is RLIMIT_DATA, and the
// process offers itself to the kernel should the host run short. On CUDA, where the driver reserves
// addresses without end, it is a tensor that takes up the rest of the free memory.
class MemoryLimit {
 public:
  // `host_bytes`: the limit on the CPU, margin deducted. `device_bytes`: of CUDA's memory before
  // the margin; nothing: what is free.
  MemoryLimit(DeviceChoice device, std::int64_t host_bytes,
              std::optional<std::int64_t> device_bytes, double margin);

  std::int64_t bytes() const { return bytes_; }
  // The highest so far: resident, or taken from the GPU by ATen's allocator, which keeps it.
  std::int64_t peak() const;

 private:
  bool on_cuda_;
  std::int64_t bytes_;
  std::int64_t free_ = 0;  // on the GPU, once the limit holds
  at::Tensor ballast_;
};

}  // namespace onecycle
