#pragma once

#include <string>

namespace onecycle {

// Of the user: $HOME or, where that is not set, what the system's list of users says; "" where
// neither names a folder.
std::string home_folder();

}  // namespace onecycle
