#include "network/input_format.h"

#include <c10/core/ScalarType.h>

namespace onecycle {

InputFormat input_format(const Model& model, const Compute& compute) {
  const c10::ScalarType least = model.input_dtype().value_or(compute.dtype);
  return {compute.device, c10::promoteTypes(compute.dtype, least), compute.memory_format};
}

}  // namespace onecycle
