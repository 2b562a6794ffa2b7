#pragma once

#include "onecycle/error.h"
#include "onecycle/model.h"

#include "core/text/format.h"

#include <cstdint>
#include <string>

namespace onecycle {

// Throws FieldError where samples are no pictures.
inline void require_pictures(const std::string& name, const ModelContext& context) {
  if (context.sample_shape.empty()) return;
  throw FieldError("model.name", format("{} takes pictures, not samples of {} numbers; use mlp",
                                        name, context.channels));
}

// Throws that, and FieldError where the images' sides, in pixels, are shorter than the network's
// pooling leaves something of.
inline void require_side(const char* name, const ModelContext& context, std::int64_t least) {
  require_pictures(name, context);
  if (context.height >= least && context.width >= least) return;
  throw FieldError("model.name", format("{} needs images of at least {}x{} pixels, got {}x{}; use "
                                        "larger images or another model",
                                        name, least, least, context.height, context.width));
}

}  // namespace onecycle
