#include "models/entry.h"
#include "models/mlp_parts.h"
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
  table.add("init", &Mlp::init, initialisations(),
            "random initialisation of the weights; of embeddings always normal, std 0.01");
  table.add("norm", &Mlp::norm,
            {{"none", Mlp::Norm::none}, {"batch", Mlp::Norm::batch}, {"layer", Mlp::Norm::layer}},
            "of each hidden layer, before its ReLU; of residual blocks, before each");
  table.add("block", &Mlp::block,
            {{"plain", Mlp::Block::plain}, {"residual", Mlp::Block::residual}},
            "residual: the ResNet for tables of arXiv 2106.11959, a block for each of `hidden`, "
            "with `norm: batch`");
  table.add("width", &Mlp::width, "of what residual blocks add to; null: the first of `hidden`")
      .range(at_least(1));
  table.unit("units");
  table
      .add("embedding", &Mlp::embedding,
           "width of the embedding of each category column; null: min(600, round(1.6 n^0.56)) for "
           "n categories")
      .range(at_least(1));
  table.unit("numbers");
  add_bn_batch(table);
  table.rule([](const Mlp& mlp) -> std::optional<OptionTable<Mlp>::Violation> {
    const bool residual = mlp.block == Mlp::Block::residual;
    if (residual && mlp.hidden.empty())
      return {{"hidden", "is empty: residual blocks need the units of each"}};
    if (mlp.bn_batch && mlp.norm != Mlp::Norm::batch)
      return {{"bn_batch", "is of batch norms; set norm: batch"}};
    if (!residual && mlp.width) return {{"width", "is of residual blocks; set block: residual"}};
    return {};
  });
  return table;
}

// A dense layer, its norm and ReLU, dropout, for each hidden one. Without norms, one operator.
class MlpNetwork : public Model {
 public:
  MlpNetwork(const Mlp& options, const ModelContext& context)
      : rows_(*this, options, context), dropout_(options.dropout) {
    std::int64_t width = rows_.width();
    for (const std::int64_t next : options.hidden) {
      add_layer(width, next);
      if (options.norm != Mlp::Norm::none)
        norms_.emplace_back(*this, "norm" + std::to_string(layers_.size()), options, width);
    }
    add_layer(width, context.classes);
    initialise(*this, options.init, context.seed);
  }

  std::optional<at::ScalarType> input_dtype() const override { return rows_.dtype(); }
  std::vector<double> decays_to_try() const override { return mlp_decays(); }

  at::Tensor forward(const at::Tensor& samples) override {
    const at::Tensor rows = rows_(samples);
    if (!norms_.empty()) return through_norms(rows);
    std::vector<DenseLayer> layers;
    for (const auto& layer : layers_) layers.push_back({layer->weight, layer->bias});
    return dense_stack(rows, layers, is_training() ? dropout_ : 0);
  }

 private:
  at::Tensor through_norms(at::Tensor values) {
    for (std::size_t i = 0; i < norms_.size(); ++i) {
      values = norms_[i].relu(layers_[i]->forward(values));
      if (dropout_ > 0) values = at::dropout(values, dropout_, is_training());
    }
    return layers_.back()->forward(values);
  }

  void add_layer(std::int64_t& width, std::int64_t next) {
    layers_.push_back(register_module("layer" + std::to_string(layers_.size() + 1),
                                      torch::nn::Linear(width, next)));
    width = next;
  }

  MlpInput rows_;
  double dropout_;
  std::vector<torch::nn::Linear> layers_;
  std::vector<RowNorm> norms_;  // of the hidden layers; empty: none
};

}  // namespace

std::shared_ptr<Model> make_model(const Mlp& options, const ModelContext& context) {
  if (options.block == Mlp::Block::residual) return residual_mlp(options, context);
  return std::make_shared<MlpNetwork>(options, context);
}

void add_mlp(ModelRegistry& registry) { add_model(registry, mlp_options()); }

}  // namespace onecycle
