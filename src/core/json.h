#pragma once

#include <nlohmann/json.hpp>

namespace onecycle {

// Members stay in the order in which they are written.
using Json = nlohmann::ordered_json;

}  // namespace onecycle
