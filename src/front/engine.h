#pragma once

#include <filesystem>
#include <string>

namespace onecycle {

struct Engine {
  std::filesystem::path program;
  std::string library_path;  // "" where it finds LibTorch itself
};

// The engine that belongs to `front_end`, the path of a front end without links. In a build it lies
// in libexec beside it and knows its LibTorch. Installed as bin/onecycle, one or both of
// libexec/onecycle-cuda and libexec/onecycle-cpu belong to it, in its own prefix or, as the script
// of a wheel, in the package onecycle of its Python; and the LibTorch is looked for that one of
// them can use: with CUDA before one without. Throws std::runtime_error with a line that
// says what is missing.
Engine find_engine(const std::filesystem::path& front_end);

}  // namespace onecycle
