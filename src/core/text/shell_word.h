#pragma once

#include <string>

namespace onecycle {

// The text as one word of a POSIX shell's command line: as it is, or in single quotes.
std::string shell_word(const std::string& text);

}  // namespace onecycle
