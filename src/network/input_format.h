#pragma once

#include "onecycle/compute.h"
#include "onecycle/model.h"
#include "onecycle/source.h"

namespace onecycle {

// What a model's inputs come in where it computes in `compute`: its number format, or what
// Model::input_dtype asks for where that is wider.
InputFormat input_format(const Model& model, const Compute& compute);

}  // namespace onecycle
