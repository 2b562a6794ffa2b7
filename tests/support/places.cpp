// The one file of the tests whose text depends on where they are built: a compiler cache finds the
// others in any clone.

#include "support/places.h"

#include <cstdlib>

namespace onecycle {

namespace {

const char* moved_to() { return std::getenv("ONECYCLE_ROOT"); }

}  // namespace

std::string source_dir() { return moved_to() != nullptr ? moved_to() : ONECYCLE_SOURCE_DIR; }

std::string built(const std::string& path) {
  return (moved_to() != nullptr ? source_dir() + "/build/release/" : ONECYCLE_BUILD_DIR "/") + path;
}

std::string program_path() { return built("onecycle"); }

}  // namespace onecycle
