// The one file of the tests whose text depends on where they are built: a compiler cache finds the
// others in any clone.

#include "support/places.h"

namespace onecycle {

std::string source_dir() { return ONECYCLE_SOURCE_DIR; }
std::string program_path() { return ONECYCLE_PROGRAM; }

}  // namespace onecycle
