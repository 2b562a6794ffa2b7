#pragma once

#include <string>
#include <vector>

namespace onecycle {

// SHA-256 of the files' names, sizes and times of change, to tell whether they are the same as
// before without reading them. A file that is not there counts as that.
std::string state_of(const std::vector<std::string>& paths);

}  // namespace onecycle
