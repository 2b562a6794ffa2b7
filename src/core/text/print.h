#pragma once

#include "core/text/format.h"

#include <cstdio>

namespace onecycle {

// What the program says. A stream that cannot be written, to a full disk or a terminal that is
// gone, remembers it (std::ferror) and the program's end tells it: no reason to lose work that is
// under way.
template <class... Args>
void print(std::FILE* out, fmt::format_string<Args...> pattern, Args&&... args) {
  const std::string text = fmt::format(pattern, std::forward<Args>(args)...);
  (void)std::fwrite(text.data(), 1, text.size(), out);
}

template <class... Args>
void print(fmt::format_string<Args...> pattern, Args&&... args) {
  onecycle::print(stdout, pattern, std::forward<Args>(args)...);
}

}  // namespace onecycle
