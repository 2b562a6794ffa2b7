// The precompiled header of every file that uses LibTorch: what is slow to read and used widely.
// Each header more makes every file slower, by the size of what it loads; the modules of torch::nn
// were not worth it.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>
