#include "model/builtin.h"

namespace onecycle {

ModelRegistry builtin_models() {
  ModelRegistry registry("model");
  add_mlp(registry);
  add_cnn3(registry);
  add_cifar_fast(registry);
  add_resnet_cifar(registry);
  add_resnet9(registry);
  add_resnet(registry);
  return registry;
}

}  // namespace onecycle
