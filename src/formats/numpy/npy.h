#pragma once

#include "formats/safetensors/stored_tensor.h"

#include <string_view>

namespace onecycle {

// Whether the bytes begin as an .npy file does.
bool is_npy(std::string_view bytes);

// The array of an .npy file, versions 1 to 3 (numpy.lib.format), without a name: its numbers stay
// where they lie, with strides where they are in Fortran's order. Throws CheckpointError, without
// the file's name, where the bytes are not whole, and for what is not plain little-endian numbers
// or truth values: objects are pickles, which are never run.
StoredTensor parse_npy(std::string_view bytes);

}  // namespace onecycle
