#pragma once

#include <c10/util/Exception.h>

namespace onecycle {

// Whether ATen's error is a lack of memory: on CUDA it has a type, on the CPU only a text.
bool is_out_of_memory(const c10::Error& error);

}  // namespace onecycle
