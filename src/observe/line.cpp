#include "observe/line.h"

#include <algorithm>
#include <sys/ioctl.h>

namespace onecycle {

int terminal_columns(std::FILE* out) {
  constexpr int kUsual = 80;
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

int characters(const std::string& text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string clipped(const std::string& text, int columns) {
  int shown = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
    if (shown++ == columns) return text.substr(0, i);
  }
  return text;
}

std::string fitted(const std::vector<LinePart>& parts, int columns) {
  int most = 0;
  for (const LinePart& part : parts) most = std::max(most, part.rank);
  for (;; --most) {
    std::string line;
    for (const LinePart& part : parts)
      if (part.rank <= most) line += part.text;
    line.erase(0, line.find_first_not_of(' '));
    if (columns == kAnyWidth || characters(line) <= columns) return line;
    if (most == 0) return clipped(line, columns);
  }
}

std::string wrapped(const std::string& text, int columns, int indent) {
  if (columns == kAnyWidth) return text;
  std::string lines;
  std::string line;
  std::size_t begin = 0;
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  while (begin < text.size()) {
    // A word with the gap before it, which stays where the line is not broken.
    const std::size_t word = std::min(text.find_first_not_of(' ', begin), text.size());
    const std::size_t end = std::min(text.find(' ', word), text.size());
    const bool first = line.find_first_not_of(' ') == std::string::npos;
    if (!first && characters(line) + characters(text.substr(begin, end - begin)) > columns) {
      lines += line + "\n";
      line = margin;
      begin = word;
    }
    line += text.substr(begin, end - begin);
    begin = end;
  }
  return lines + line;
}

}  // namespace onecycle
