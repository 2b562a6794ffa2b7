#include "optim/builtin.h"

namespace onecycle {

OptimizerRegistry builtin_optimizers() {
  OptimizerRegistry registry("optimizer");
  add_sgd(registry);
  add_adamw(registry);
  add_muon(registry);
  return registry;
}

}  // namespace onecycle
