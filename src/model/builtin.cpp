#include "model/builtin.h"

#include "onecycle/convolution_gradient.h"

namespace onecycle {

ModelRegistry builtin_models() {
  repair_convolution_gradients();  // a model may be trained by any loop
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
