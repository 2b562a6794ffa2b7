#include "cli/console.h"

#include "core/text/format.h"
#include "core/text/print.h"
#include "core/text/printable.h"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace onecycle {

void Console::say(const std::string& line) const {
  if (quiet()) return;
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

}  // namespace onecycle
