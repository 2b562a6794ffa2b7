#pragma once

#include <string>
#include <string_view>

namespace onecycle {

// What a file is that people take for one of weights, and what to do; "" for another. `name`: the
// file's, for lines of Python.
std::string foreign_file(std::string_view bytes, const std::string& name);

}  // namespace onecycle
