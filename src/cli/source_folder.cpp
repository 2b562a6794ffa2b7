// Alone, so that no other file's compilation depends on where a clone lies.

#include "cli/source_folder.h"

namespace onecycle {

const char* const kSourceFolder = ONECYCLE_SOURCE_FOLDER;

}  // namespace onecycle
