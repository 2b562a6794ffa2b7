#pragma once

#include "tuning/range_test/range_test.h"

#include <string>

namespace onecycle {

// Everything about a test, as `onecycle report` reads it. `machine`: one phrase; `recipe`: YAML;
// `settings`: what goes with a command to take the rates found.
std::string range_test_json(const RangeTest& test, const std::string& name,
                            const std::string& machine, const std::string& recipe,
                            const std::string& settings = "");

// "sweep,seed,step,lr,momentum,train_loss,held_out_loss,held_out_METRIC", a row a step; the last
// by the name of the task's first metric, and left out where it has none. The JSON likewise.
std::string range_test_csv(const RangeTest& test);

}  // namespace onecycle
