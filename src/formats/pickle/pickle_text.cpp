#include "formats/pickle/pickle_text.h"

#include <charconv>
#include <cstdint>

namespace onecycle {

namespace {

// The number that `digits` hexadecimal digits at `at` stand for.
std::optional<std::uint32_t> hexadecimal(std::string_view text, std::size_t at,
                                         std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  const char* end = text.data() + at + digits;
  const auto read = std::from_chars(text.data() + at, end, value, 16);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

void append_utf8(std::string& text, std::uint32_t code) {
  const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
    return;
  }
  if (code < 0x800) {
    add(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xe0 | code >> 12);
    } else {
      add(0xf0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3f));
    }
    add(0x80 | (code >> 6 & 0x3f));
  }
  add(0x80 | (code & 0x3f));
}

// What the letter after a backslash stands for, or 0.
char escaped(char letter) {
  constexpr std::string_view kLetters = "\\'\"abfnrtv";
  constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  const std::size_t found = kLetters.find(letter);
  return found == std::string_view::npos ? '\0' : kMeanings[found];
}

}  // namespace

std::optional<std::string> from_python_quotes(std::string_view line) {
  if (line.size() < 2 || line.front() != line.back() || (line[0] != '\'' && line[0] != '"'))
    return std::nullopt;
  line = line.substr(1, line.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      text += line[i];
      continue;
    }
    if (++i == line.size()) return std::nullopt;
    if (line[i] == 'x') {
      const auto code = hexadecimal(line, i + 1, 2);
      if (!code) return std::nullopt;
      text += static_cast<char>(*code);
      i += 2;
    } else if (const char meaning = escaped(line[i])) {
      text += meaning;
    } else {
      return std::nullopt;
    }
  }
  return text;
}

std::optional<std::string> from_unicode_escapes(std::string_view line) {
  constexpr std::uint32_t kLargest = 0x10ffff;
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char kind = line[i] == '\\' && i + 1 < line.size() ? line[i + 1] : '\0';
    if (kind != 'u' && kind != 'U') {
      append_utf8(text, static_cast<unsigned char>(line[i]));
      continue;
    }
    const std::size_t digits = kind == 'u' ? 4 : 8;
    const auto code = hexadecimal(line, i + 2, digits);
    if (!code || *code > kLargest) return std::nullopt;
    append_utf8(text, *code);
    i += 1 + digits;
  }
  return text;
}

}  // namespace onecycle
