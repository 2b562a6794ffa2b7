#include "core/text/format.h"
#include "models/entry.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/convolution.h"
#include "nn/require_pictures.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

// The residual networks for 32x32 images of He et al. 2015 (arXiv 1512.03385, section 4.2), with
// the parameter names of the checkpoints in common use: conv1, bn1, layer1.0.conv1, ..., linear.
namespace onecycle {

namespace {

OptionTable<CifarResNet> resnet_options(int depth) {
  OptionTable<CifarResNet> table(
      format("resnet{}", depth),
      format("CIFAR ResNet of depth {} (He et al. 2015): three stages of {} blocks", depth,
             (depth - 2) / 6));
  table.add("width", &CifarResNet::width, "channels of the first stage; the others double it")
      .range(at_least(1));
  table.unit("channels");
  table.add("shortcut", &CifarResNet::shortcut,
            {{"A", CifarResNet::Shortcut::a}, {"B", CifarResNet::Shortcut::b}},
            "where the shape changes: A pads with zeros, B projects (1x1 convolution)");
  add_bn_batch(table);
  table.add("init", &CifarResNet::init, initialisations(), "random initialisation of the weights");
  return table;
}

class CifarBlock : public torch::nn::Module {
 public:
  CifarBlock(std::int64_t in, std::int64_t out, std::int64_t stride, const CifarResNet& options)
      : stride_(stride), added_channels_(out - in) {
    conv1_ = register_module("conv1", Convolution(in, out, 3, stride));
    bn1_ = register_module("bn1", BatchNorm(out, options.bn_batch));
    conv2_ = register_module("conv2", Convolution(out, out, 3, 1));
    bn2_ = register_module("bn2", BatchNorm(out, options.bn_batch));
    const bool reshapes = stride != 1 || in != out;
    if (!reshapes || options.shortcut == CifarResNet::Shortcut::a) return;
    project_ = register_module("shortcut", torch::nn::Sequential(Convolution(in, out, 1, stride),
                                                                 BatchNorm(out, options.bn_batch)));
  }

  Branches forward(const Branches& input) {
    const at::Tensor values = bn1_->relu(conv1_->forward(input.block));
    return bn2_->branches(conv2_->forward(values), shortcut(input.shortcut));
  }

 private:
  at::Tensor shortcut(const at::Tensor& input) {
    if (project_) return project_->forward(input);
    at::Tensor values = input;
    if (stride_ != 1) values = values.slice(2, 0, {}, stride_).slice(3, 0, {}, stride_);
    if (added_channels_ == 0) return values;
    const std::int64_t before = added_channels_ / 2;
    return at::constant_pad_nd(values, {0, 0, 0, 0, before, added_channels_ - before});
  }

  std::int64_t stride_;
  std::int64_t added_channels_;
  Convolution conv1_{nullptr}, conv2_{nullptr};
  BatchNorm bn1_{nullptr}, bn2_{nullptr};
  torch::nn::Sequential project_{nullptr};
};

class ResNetCifar : public Model {
 public:
  ResNetCifar(int depth, const CifarResNet& options, const ModelContext& context) {
    require_pictures(format("resnet{}", depth), context);
    const std::int64_t width = options.width;
    conv1_ = register_module("conv1", Convolution(context.channels, width, 3, 1));
    bn1_ = register_module("bn1", BatchNorm(width, options.bn_batch));
    const int blocks = (depth - 2) / 6;
    add_stage("layer1", blocks, width, width, 1, options);
    add_stage("layer2", blocks, width, 2 * width, 2, options);
    add_stage("layer3", blocks, 2 * width, 4 * width, 2, options);
    linear_ = register_module("linear", torch::nn::Linear(4 * width, context.classes));
    initialise(*this, options.init, context.seed);
  }

  at::Tensor forward(const at::Tensor& images) override {
    Branches values = bn1_->branches(conv1_->forward(images), {});
    for (const auto& block : blocks_) values = block->forward(values);
    return linear_->forward(values.block.mean({2, 3}));
  }

 private:
  void add_stage(const std::string& name, int num_blocks, std::int64_t in, std::int64_t out,
                 std::int64_t stride, const CifarResNet& options) {
    torch::nn::Sequential stage;
    for (int i = 0; i < num_blocks; ++i) {
      blocks_.push_back(
          std::make_shared<CifarBlock>(i == 0 ? in : out, out, i == 0 ? stride : 1, options));
      stage->push_back(blocks_.back());
    }
    register_module(name, stage);
  }

  Convolution conv1_{nullptr};
  BatchNorm bn1_{nullptr};
  std::vector<std::shared_ptr<CifarBlock>> blocks_;
  torch::nn::Linear linear_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_model(const CifarResNet& options, const ModelContext& context) {
  if (options.depth < 8 || (options.depth - 2) % 6 != 0)
    throw Error(format("a CIFAR ResNet has 6 n + 2 layers, not {}", options.depth));
  return std::make_shared<ResNetCifar>(options.depth, options, context);
}

void add_resnet_cifar(ModelRegistry& registry) {
  for (const int depth : {8, 20, 32, 44, 56, 110})
    registry.add(resnet_options(depth), [depth](CifarResNet options, const ModelContext& context) {
      options.depth = depth;
      return make_model(options, context);
    });
}

}  // namespace onecycle
