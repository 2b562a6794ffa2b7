#pragma once

#include <cstdio>
#include <string>
#include <vector>

// Lines laid out for a terminal's width.
namespace onecycle {

// A part of a line. Those of the highest rank are left out first, all of one rank together; those
// of rank 0 stay.
struct LinePart {
  std::string text;  // with the gap before it
  int rank = 0;
};

// A line that nothing has to be left out of.
inline constexpr int kAnyWidth = 0;

// Columns of the terminal behind `out`; 80 where it tells none.
int terminal_columns(std::FILE* out);

// UTF-8 characters of the text.
int characters(const std::string& text);

// The text's first `columns` characters.
std::string clipped(const std::string& text, int columns);

// The parts joined, less as many ranks as it takes to fit; what rank 0 has too much is cut off.
std::string fitted(const std::vector<LinePart>& parts, int columns);

// The text in lines of at most `columns` characters, broken between words, each line but the first
// behind `indent` spaces. A longer word has a line of its own.
std::string wrapped(const std::string& text, int columns, int indent);

}  // namespace onecycle
