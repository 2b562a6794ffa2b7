#include "cli/console.h"

#include "core/text/format.h"
#include "core/text/json_text.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "observe/line.h"

#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace onecycle {

namespace {

// Broken between words, behind the line's label where it has one ("data       ").
std::string broken(const std::string& line, int columns) {
  constexpr std::size_t kLongestLabel = 12;
  const std::size_t gap = line.find("  ");
  std::size_t text = gap < kLongestLabel ? line.find_first_not_of(' ', gap) : 0;
  if (text == std::string::npos || text > kLongestLabel) text = 0;
  return wrapped(line, columns, static_cast<int>(text));
}

// As it is but on a terminal.
std::string laid_out(const std::string& text, std::FILE* out) {
  if (isatty(fileno(out)) == 0) return text;
  std::string lines;
  std::size_t begin = 0;
  for (std::size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find('\n', begin);
    if (begin > 0) lines += '\n';
    lines += broken(text.substr(begin, end - begin), terminal_columns(out));
  }
  return lines;
}

}  // namespace

void Console::say(const std::string& line) const {
  if (quiet()) return;
  print(out_, "{}\n", laid_out(visible(line), out_));
  std::fflush(out_);
}

void Console::tell_result(const std::string& line) const {
  if (silent() || (quiet() && out_ != stdout)) return;
  print(out_, "{}\n", laid_out(visible(line), out_));
  std::fflush(out_);
}

void Console::warn(const std::string& line) const {
  if (!silent()) print(stderr, "{}\n", laid_out("warning: " + visible(line), stderr));
}

bool Console::terminal() const {
  const char* term = std::getenv("TERM");
  return isatty(fileno(out_)) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

namespace {

bool reader_is_gone() {
  pollfd out{STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

}  // namespace

void print_json(const Json& json) {
  print("{}\n", json_text(json));
  std::fflush(stdout);
}

Output finish_output() {
  // A flush that failed before has emptied the buffer: this one may find nothing to fail at.
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && std::ferror(stdout) == 0) return Output::written;
  return reader_is_gone() ? Output::unread : Output::lost;
}

}  // namespace onecycle
