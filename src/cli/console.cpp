#include "cli/console.h"

#include "core/text/format.h"
#include "core/text/json_text.h"
#include "core/text/print.h"
#include "core/text/printable.h"

#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace onecycle {

void Console::say(const std::string& line) const {
  if (quiet()) return;
  print(out_, "{}\n", visible(line));
  std::fflush(out_);
}

void Console::tell_result(const std::string& line) const {
  if (silent() || (quiet() && out_ != stdout)) return;
  print(out_, "{}\n", visible(line));
  std::fflush(out_);
}

void Console::warn(const std::string& line) const {
  if (!silent()) print(stderr, "warning: {}\n", visible(line));
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
