#include "onecycle/optimizers.h"

namespace onecycle {

void add_sgd(OptimizerRegistry& registry);
void add_adamw(OptimizerRegistry& registry);
void add_muon(OptimizerRegistry& registry);

OptimizerRegistry builtin_optimizers() {
  OptimizerRegistry registry("optimizer");
  add_sgd(registry);
  add_adamw(registry);
  add_muon(registry);
  return registry;
}

}  // namespace onecycle
