#include "core/parent.h"

#include <csignal>
#include <sys/prctl.h>
#include <unistd.h>

namespace onecycle {

void live_no_longer_than(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
}

}  // namespace onecycle
