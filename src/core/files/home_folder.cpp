#include "core/files/home_folder.h"

#include <cstdlib>
#include <pwd.h>
#include <unistd.h>

namespace onecycle {

std::string home_folder() {
  if (const char* chosen = std::getenv("HOME"); chosen != nullptr && *chosen != '\0') return chosen;
  const passwd* user = ::getpwuid(::geteuid());
  return user != nullptr && user->pw_dir != nullptr ? user->pw_dir : "";
}

}  // namespace onecycle
