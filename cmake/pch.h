// The precompiled header of every file that uses LibTorch. Only what is slow to read and used widely.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>
