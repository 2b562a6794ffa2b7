#pragma once

#include "onecycle/build.h"

namespace onecycle {

// Puts the samples where the run reads them, by data.place: on its device, or in the memory of the
// host. What lies on a GPU stays where it is. The run has its model and its device. Throws
// FieldError.
void place_data(RecipeRun& run);

}  // namespace onecycle
