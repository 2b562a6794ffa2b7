#include "cli/threads.h"

#include "core/process/processors.h"

#include <cstdlib>

#include <ATen/Parallel.h>

namespace onecycle {

void heed_cpu_quota() {
  if (std::getenv("OMP_NUM_THREADS") != nullptr || !cpu_quota()) return;
  const auto paid_for = static_cast<int>(usable_processors());
  if (paid_for < at::get_num_threads()) at::set_num_threads(paid_for);
}

}  // namespace onecycle
