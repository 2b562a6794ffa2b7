#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace onecycle {

// Text of a file as it can stand in a message of one line: at most `most` bytes, what is not
// printable ASCII as `?`.
std::string printable(std::string_view text, std::size_t most = 80);

}  // namespace onecycle
