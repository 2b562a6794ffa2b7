#include "front/waiting.h"

#include <cstdlib>

namespace onecycle {

namespace {

constexpr const char* kSpins = "1000";

}  // namespace

void choose_waiting() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) ::setenv("GOMP_SPINCOUNT", kSpins, /*replace=*/0);
}

}  // namespace onecycle
