#pragma once

#include "core/text/json.h"

namespace onecycle {

// One value a line on stdout, at once.
void print_json(const Json& json);

enum class Output {
  written,
  unread,  // whoever read it has gone, as `head` does
  lost,
};

// What became of everything that was printed on stdout, once the rest of it is on its way.
Output finish_output();

}  // namespace onecycle
