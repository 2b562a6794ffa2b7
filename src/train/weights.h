#pragma once

#include "onecycle/optimizer.h"

#include "core/safetensors.h"

#include <string>

namespace onecycle {

// The model's masters and buffers as `model.<name>`, in one safetensors file. Throws Error.
void save_weights(const std::string& path, const Parameters& parameters, const Metadata& metadata);

// Loads such a file into the model: names and shapes must be the model's, all of them.
// Throws CheckpointError that lists what differs.
void load_weights(const std::string& path, Parameters& parameters);

}  // namespace onecycle
