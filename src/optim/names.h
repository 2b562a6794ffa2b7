#pragma once

#include "onecycle/optimizer.h"

namespace onecycle {

// Whether the whole of a parameter's name fits a glob of fnmatch(3).
bool fits(const std::string& glob, const std::string& name);

// The first few names, for messages.
std::string names_of(const std::vector<Parameter>& parameters);

// Whether the layer is a norm: one whose weight is a vector.
bool is_norm(const torch::nn::Module& layer);

}  // namespace onecycle
