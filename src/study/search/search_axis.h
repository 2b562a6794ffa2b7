#pragma once

#include "onecycle/search.h"

#include <string>

namespace onecycle {

// One member of `search.space`.
Axis read_axis(const Value::Member& member, const std::string& path, Problems& problems);

}  // namespace onecycle
