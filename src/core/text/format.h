#pragma once

// The only file that includes fmt: LibTorch ships headers of another fmt release than the system's,
// and header-only use keeps the two from meeting at link time.
#ifndef FMT_HEADER_ONLY
#define FMT_HEADER_ONLY
#endif
#include <fmt/format.h>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace onecycle {

// An object and no function: a call of it never finds std::format by the types of its arguments.
inline constexpr struct {
  template <class... Args>
  std::string operator()(fmt::format_string<Args...> pattern, Args&&... args) const {
    return fmt::format(pattern, std::forward<Args>(args)...);
  }
} format;

// "a, b, c": what `text_of` makes of each item, a function or a member.
template <class Range, class Text = std::identity>
std::string joined(const Range& items, std::string_view separator = ", ", Text text_of = {}) {
  std::string all;
  std::string_view before;
  for (const auto& item : items) {
    fmt::format_to(std::back_inserter(all), "{}{}", before, std::invoke(text_of, item));
    before = separator;
  }
  return all;
}

}  // namespace onecycle
