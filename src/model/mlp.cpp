#include "model/builtin.h"
#include "model/dense_stack.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {

namespace {

struct MlpOptions {
  std::vector<std::int64_t> hidden = {256, 128};
  double dropout = 0;
  Init init = Init::kaiming;
};

OptionTable<MlpOptions> mlp_options() {
  OptionTable<MlpOptions> table("mlp",
                                "Dense layers with ReLU between them; two hidden layers are "
                                "the 3-layer net");
  table.add("hidden", &MlpOptions::hidden, "width of each hidden layer").range(at_least(1));
  table.unit("units");
  table
      .add("dropout", &MlpOptions::dropout,
           "share of each hidden layer's values dropped in training")
      .range(from_below(0, 1));
  table.add("init", &MlpOptions::init, "random initialisation of the weights");
  return table;
}

class Mlp : public Model {
 public:
  Mlp(const MlpOptions& options, const ModelContext& context) : dropout_(options.dropout) {
    std::int64_t width = context.channels * context.height * context.width;
    for (const std::int64_t next : options.hidden) add_layer(width, next);
    add_layer(width, context.classes);
    initialise(*this, options.init, context.seed);
  }

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

void add_mlp(ModelRegistry& registry) {
  const auto table = mlp_options();
  registry.add({table.variant(), [table](const Value& options, const ModelContext& context) {
                  return std::make_shared<Mlp>(read_options(table, options), context);
                }});
}

}  // namespace onecycle
