#pragma once

#include "onecycle/tune.h"

#include "core/text/json.h"

#include <string>

namespace onecycle {

// A choice without its trials.
ONECYCLE_JSON(TuneChoice, what, value, evidence, sure)

// What tuning.json holds: the choices with their trials, the words, where the range tests and the
// last run lie (relative to its folder), the tuned recipe. The report reads it.
std::string tune_json(const TuneResult& result, const std::string& name, const std::string& folder,
                      const std::string& recipe);

}  // namespace onecycle
