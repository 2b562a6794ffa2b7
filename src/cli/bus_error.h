#pragma once

namespace onecycle {

// From here on, touching a mapped file that others have cut short ends the program with one line
// that names it and exit code 1, in place of a signal without a word.
void explain_bus_errors();

}  // namespace onecycle
