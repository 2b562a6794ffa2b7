#pragma once

namespace onecycle {

// Sets how long OpenMP's threads spin where they wait for one another, unless the user has
// (OMP_WAIT_POLICY, GOMP_SPINCOUNT). libgomp's own choice is many milliseconds: on a busy machine a
// thread then spends its share of a core on waiting for one that has none. It reads the environment
// when it is loaded, so this cannot be left to the engine.
void choose_waiting();

}  // namespace onecycle
