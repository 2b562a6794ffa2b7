#include "onecycle/convolution_gradient.h"
#include "onecycle/models.h"

namespace onecycle {

// Each adds the networks of the file that is named after it.
void add_cifar_fast(ModelRegistry& registry);
void add_cnn3(ModelRegistry& registry);
void add_mlp(ModelRegistry& registry);
void add_resnet(ModelRegistry& registry);
void add_resnet9(ModelRegistry& registry);
void add_resnet_cifar(ModelRegistry& registry);

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
