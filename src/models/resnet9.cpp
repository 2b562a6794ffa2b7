#include "models/entry.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/convolution.h"
#include "nn/ops/max_pool.h"
#include "nn/require_pictures.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

// David Page's network for DAWNBench (github.com/davidcpage/cifar10-fast, dawn.py), with a global
// maximum where his last pooling fits 32x32 images alone.
namespace onecycle {

namespace {

constexpr std::int64_t kResNet9LeastSide = 8;  // three poolings halve a side, rounded down

OptionTable<ResNet9> resnet9_options() {
  OptionTable<ResNet9> table(
      "resnet9", "Page's small fast residual network: eight convolutions and a dense layer");
  table.add("width", &ResNet9::width, "channels of the first convolution; layers double it")
      .range(at_least(1));
  table.unit("channels");
  table.add("logit_scale", &ResNet9::logit_scale, "factor of the logits").range(above(0));
  table
      .add("dropout", &ResNet9::dropout,
           "share of the values before the dense layer dropped in training")
      .range(from_below(0, 1));
  add_bn_batch(table);
  table.add("init", &ResNet9::init, initialisations(), "random initialisation of the weights");
  return table;
}

// Convolution 3x3, batch norm, ReLU.
class ConvolutionBlock : public torch::nn::Module {
 public:
  ConvolutionBlock(std::int64_t in, std::int64_t out, std::optional<std::int64_t> bn_batch)
      : conv_(register_module("conv", Convolution(in, out, 3, 1))),
        bn_(register_module("bn", BatchNorm(out, bn_batch))) {}

  at::Tensor forward(const at::Tensor& input) { return bn_->relu(conv_->forward(input)); }

 private:
  Convolution conv_;
  BatchNorm bn_;
};

// A convolution block and pooling that halves the sides; then, if `residual`, two blocks more whose
// result is added to what they are given.
class ResNet9Layer : public ConvolutionBlock {
 public:
  ResNet9Layer(std::int64_t in, std::int64_t out, std::optional<std::int64_t> bn_batch,
               bool residual)
      : ConvolutionBlock(in, out, bn_batch) {
    if (!residual) return;
    res1_ = register_module("res1", std::make_shared<ConvolutionBlock>(out, out, bn_batch));
    res2_ = register_module("res2", std::make_shared<ConvolutionBlock>(out, out, bn_batch));
  }

  at::Tensor forward(const at::Tensor& input) {
    const at::Tensor values = max_pool_halved(ConvolutionBlock::forward(input));
    return res1_ ? values + res2_->forward(res1_->forward(values)) : values;
  }

 private:
  std::shared_ptr<ConvolutionBlock> res1_, res2_;
};

class ResNet9Network : public Model {
 public:
  ResNet9Network(const ResNet9& options, const ModelContext& context)
      : logit_scale_(options.logit_scale), dropout_(options.dropout) {
    require_side("resnet9", context, kResNet9LeastSide);
    const std::int64_t width = options.width;
    prep_ = register_module(
        "prep", std::make_shared<ConvolutionBlock>(context.channels, width, options.bn_batch));
    const auto add_layer = [&](const char* name, std::int64_t in, bool residual) {
      return register_module(
          name, std::make_shared<ResNet9Layer>(in, 2 * in, options.bn_batch, residual));
    };
    layer1_ = add_layer("layer1", width, true);
    layer2_ = add_layer("layer2", 2 * width, false);
    layer3_ = add_layer("layer3", 4 * width, true);
    linear_ = register_module(
        "linear",
        torch::nn::Linear(torch::nn::LinearOptions(8 * width, context.classes).bias(false)));
    initialise(*this, options.init, context.seed);
  }

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor values = layer1_->forward(prep_->forward(images));
    values = layer3_->forward(layer2_->forward(values)).amax({2, 3});
    return linear_->forward(at::dropout(values, dropout_, is_training())) * logit_scale_;
  }

 private:
  double logit_scale_;
  double dropout_;
  std::shared_ptr<ConvolutionBlock> prep_;
  std::shared_ptr<ResNet9Layer> layer1_, layer2_, layer3_;
  torch::nn::Linear linear_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_model(const ResNet9& options, const ModelContext& context) {
  return std::make_shared<ResNet9Network>(options, context);
}

void add_resnet9(ModelRegistry& registry) { add_model(registry, resnet9_options()); }

}  // namespace onecycle
