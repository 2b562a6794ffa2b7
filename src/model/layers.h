#pragma once

#include "onecycle/error.h"
#include "onecycle/model.h"

#include "core/format.h"

#include <torch/nn/modules/conv.h>

// What convolutional networks share.
namespace onecycle {

// Without a bias; the same size out as in at stride 1 and an odd kernel.
inline torch::nn::Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                     std::int64_t stride) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

// Throws RecipeError where the images' sides, in pixels, are shorter than the network's pooling
// leaves something of.
inline void require_side(const char* name, const ModelContext& context, std::int64_t least) {
  if (context.height >= least && context.width >= least) return;
  throw RecipeError(
      format("model.name: {} needs images of at least {}x{} pixels, got {}x{}; use "
             "larger images or another model",
             name, least, least, context.height, context.width));
}

}  // namespace onecycle
