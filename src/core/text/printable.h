#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace onecycle {

// Text of a file as it can stand in a message of one line: at most `most` bytes, what is not
// printable ASCII as `?`.
std::string printable(std::string_view text, std::size_t most = 80);

// Text of others as a terminal or a page may show it: names in any script stay as they are; what
// steers a terminal (control characters but newline and tab), turns the direction of writing or is
// no UTF-8 is spelled out, like `\x1b` and `\u202e`.
std::string visible(std::string_view text);

// Without what follows: the stack trace of an error of ATen's.
inline std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace onecycle
