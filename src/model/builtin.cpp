#include "model/builtin.h"

namespace onecycle {

ModelRegistry builtin_models() {
  ModelRegistry registry("model");
  add_mlp(registry);
  add_resnet_cifar(registry);
  return registry;
}

}  // namespace onecycle
