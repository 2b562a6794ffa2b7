#pragma once

// The only file that includes fmt: LibTorch ships headers of another fmt release than the system's,
// and header-only use keeps the two from meeting at link time.
#ifndef FMT_HEADER_ONLY
#define FMT_HEADER_ONLY
#endif
#include <fmt/format.h>
#include <string>
#include <utility>

namespace onecycle {

template <class... Args>
std::string format(fmt::format_string<Args...> pattern, Args&&... args) {
  return fmt::format(pattern, std::forward<Args>(args)...);
}

}  // namespace onecycle
