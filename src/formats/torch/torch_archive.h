#pragma once

#include "formats/torch/torch_tensors.h"

#include <string>
#include <string_view>

namespace onecycle {

// The zip archive that torch.save writes since PyTorch 1.6. The tensors point into `bytes`. Throws
// Error without the file's name; `name` is for the lines of Python that errors give.
TorchWeights read_torch_archive(std::string_view bytes, const std::string& name);

// What it wrote before: pickles one after the other, then the storages.
bool is_torch_legacy(std::string_view bytes);
TorchWeights read_torch_legacy(std::string_view bytes, const std::string& name);

}  // namespace onecycle
