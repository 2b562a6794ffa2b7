#pragma once

#include "formats/safetensors/stored_tensor.h"

#include <ATen/core/Tensor.h>

namespace onecycle {

// A contiguous tensor on the CPU, which must outlive the result. Throws CheckpointError for a type
// that files do not hold.
StoredTensor stored(const std::string& name, const at::Tensor& tensor);

// Throws CheckpointError for a type that is not loaded.
void check_loadable(const StoredTensor& stored);

// Throws CheckpointError, naming the tensor, for NaN and what is infinite as a `type`; integers
// always pass.
void check_finite(const std::string& name, const at::Tensor& tensor, at::ScalarType type);

// The numbers in the file, where they lie or, where that is not aligned, copied; truth values as
// bytes of 0 or not. Only to be read. Throws as check_loadable.
at::Tensor tensor_of(const StoredTensor& stored);

// Copies the numbers into `target`, of the same shape; without a copy between where they lie
// unaligned as the target has them. Throws as check_loadable.
void copy_numbers(const StoredTensor& stored, at::Tensor target);

}  // namespace onecycle
