#pragma once

#include <optional>
#include <string>
#include <string_view>

// How protocol 0 writes strings: as text of one line.
namespace onecycle {

// `'a\x00b\''` with its quotes, as Python 2 wrote a string.
std::optional<std::string> from_python_quotes(std::string_view line);

// `\u20ac` and `\U0001f600`, other bytes as Latin-1: Python's raw-unicode-escape, to UTF-8.
std::optional<std::string> from_unicode_escapes(std::string_view line);

}  // namespace onecycle
