#pragma once

#include "onecycle/trainer.h"

namespace onecycle {

// Gives a model whose initial weights depend on the data the images that it asks for, before its
// Parameters are made: the same on every rank, which all hold the data.
void initialise_from_data(Run& run);

}  // namespace onecycle
