#include "models/entry.h"
#include "nn/ops/dense_stack.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {

namespace {

OptionTable<Mlp> mlp_options() {
  OptionTable<Mlp> table("mlp",
                         "Dense layers with ReLU between them; two hidden layers are "
                         "the 3-layer net");
  table.add("hidden", &Mlp::hidden, "width of each hidden layer").range(at_least(1));
  table.unit("units");
  table.add("dropout", &Mlp::dropout, "share of each hidden layer's values dropped in training")
      .range(from_below(0, 1));
  table.add("init", &Mlp::init, initialisations(), "random initialisation of the weights");
  return table;
}

class MlpNetwork : public Model {
 public:
  MlpNetwork(const Mlp& options, const ModelContext& context) : dropout_(options.dropout) {
    std::int64_t width = context.channels * context.height * context.width;
    for (const std::int64_t next : options.hidden) add_layer(width, next);
    add_layer(width, context.classes);
    initialise(*this, options.init, context.seed);
  }

  std::vector<double> decays_to_try() const override { return {1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 0}; }

  at::Tensor forward(const at::Tensor& images) override {
    std::vector<DenseLayer> layers;
    for (const auto& layer : layers_) layers.push_back({layer->weight, layer->bias});
    return dense_stack(images.flatten(1), layers, is_training() ? dropout_ : 0);
  }

 private:
  void add_layer(std::int64_t& width, std::int64_t next) {
    layers_.push_back(register_module("layer" + std::to_string(layers_.size() + 1),
                                      torch::nn::Linear(width, next)));
    width = next;
  }

  double dropout_;
  std::vector<torch::nn::Linear> layers_;
};

}  // namespace

std::shared_ptr<Model> make_model(const Mlp& options, const ModelContext& context) {
  return std::make_shared<MlpNetwork>(options, context);
}

void add_mlp(ModelRegistry& registry) { add_model(registry, mlp_options()); }

}  // namespace onecycle
