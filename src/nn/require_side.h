#pragma once

#include "onecycle/error.h"
#include "onecycle/model.h"

#include "core/text/format.h"

#include <cstdint>

namespace onecycle {

// Throws FieldError where the images' sides, in pixels, are shorter than the network's pooling
// leaves something of.
inline void require_side(const char* name, const ModelContext& context, std::int64_t least) {
  if (context.height >= least && context.width >= least) return;
  throw FieldError("model.name", format("{} needs images of at least {}x{} pixels, got {}x{}; use "
                                        "larger images or another model",
                                        name, least, least, context.height, context.width));
}

}  // namespace onecycle
