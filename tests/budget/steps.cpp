// For instructions_test.cpp, under callgrind: trains the net that is named; callgrind's counters
// run within the window alone.

#include "budget/recipes.h"
#include "budget/window.h"

#include <cstdio>
#include <valgrind/callgrind.h>

int main(int argc, char** argv) {
  using namespace onecycle::testing;
  for (int i = 1; i < argc; ++i) {
    onecycle::Run run = lean_run(argv[i]);
    Window window;
    window.first = kFirst;
    window.last = kLast;
    window.begin = [] { CALLGRIND_START_INSTRUMENTATION; };
    window.end = [&] {
      CALLGRIND_STOP_INSTRUMENTATION;
      CALLGRIND_DUMP_STATS_AT(argv[i]);
    };
    window.train(run);
  }
}
