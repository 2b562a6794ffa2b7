#include "cli/output.h"

#include "core/text/json_text.h"
#include "core/text/print.h"

#include <cstdio>
#include <poll.h>
#include <unistd.h>

namespace onecycle {

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
