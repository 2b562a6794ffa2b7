#pragma once

#include "onecycle/error.h"

#include <string>

namespace onecycle {

// The system did not do what it was asked to: a full disk, a failing one, no more handles. What was
// wanted is not at fault, and may well be done another time.
class FileError : public Error {
 public:
  using Error::Error;
};

// Throws FileError: "PATH: WHAT: the words for errno".
[[noreturn]] void fail_on_file(const std::string& path, const char* what);

// Whether a file that cannot be read is the system's fault by this errno, not that of its name or
// of what it is.
bool is_fault_of_system(int error);

}  // namespace onecycle
