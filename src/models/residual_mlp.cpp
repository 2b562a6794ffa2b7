#include "onecycle/error.h"

#include "models/mlp_parts.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {

namespace {

class MlpBlock : public torch::nn::Module {
 public:
  MlpBlock(std::int64_t width, std::int64_t inner, const Mlp& options)
      : norm_(*this, "norm", options, width), dropout_(options.dropout) {
    linear1_ = register_module("linear1", torch::nn::Linear(width, inner));
    linear2_ = register_module("linear2", torch::nn::Linear(inner, width));
  }

  at::Tensor forward(const at::Tensor& input) {
    const at::Tensor inner = linear1_->forward(norm_(input)).relu_();
    return input + dropped(linear2_->forward(dropped(inner)));
  }

 private:
  at::Tensor dropped(const at::Tensor& values) const {
    return dropout_ > 0 ? at::dropout(values, dropout_, is_training()) : values;
  }

  RowNorm norm_;
  double dropout_;
  torch::nn::Linear linear1_{nullptr}, linear2_{nullptr};
};

class ResidualMlp : public Model {
 public:
  ResidualMlp(const Mlp& options, const ModelContext& context, std::int64_t width)
      : rows_(*this, options, context),
        first_(register_module("input", torch::nn::Linear(rows_.width(), width))),
        blocks_(blocks_of(options, width)),
        norm_(*this, "norm", options, width),
        last_(register_module("output", torch::nn::Linear(width, context.classes))) {
    initialise(*this, options.init, context.seed);
  }

  std::optional<at::ScalarType> input_dtype() const override { return rows_.dtype(); }
  std::vector<double> decays_to_try() const override { return mlp_decays(); }

  at::Tensor forward(const at::Tensor& samples) override {
    at::Tensor values = first_->forward(rows_(samples));
    for (const auto& block : blocks_) values = block->forward(values);
    return last_->forward(norm_.relu(values));
  }

 private:
  std::vector<std::shared_ptr<MlpBlock>> blocks_of(const Mlp& options, std::int64_t width) {
    std::vector<std::shared_ptr<MlpBlock>> blocks;
    for (const std::int64_t inner : options.hidden)
      blocks.push_back(register_module("block" + std::to_string(blocks.size() + 1),
                                       std::make_shared<MlpBlock>(width, inner, options)));
    return blocks;
  }

  MlpInput rows_;
  torch::nn::Linear first_;
  std::vector<std::shared_ptr<MlpBlock>> blocks_;
  RowNorm norm_;
  torch::nn::Linear last_;
};

}  // namespace

std::shared_ptr<Model> residual_mlp(const Mlp& options, const ModelContext& context) {
  if (options.hidden.empty())
    throw FieldError("model.hidden", "is empty: residual blocks need the units of each");
  return std::make_shared<ResidualMlp>(options, context,
                                       options.width.value_or(options.hidden.front()));
}

}  // namespace onecycle
