#include "core/text/format.h"
#include "models/entry.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/convolution.h"
#include "nn/require_pictures.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

// The residual networks of He et al. 2015 (arXiv 1512.03385, table 1) as torchvision has them, with
// its parameters' names: conv1, bn1, layer1.0.conv1, ..., layer2.0.downsample.0, ..., fc. A
// bottleneck halves the sides in its 3x3 convolution. Groups and width: Xie et al. 2016 (arXiv
// 1611.05431), Zagoruyko and Komodakis 2016 (arXiv 1605.07146).
namespace onecycle {

namespace {

struct Depth {
  int layers;
  bool bottleneck;
  std::int64_t blocks[4];
};

constexpr Depth kDepths[] = {{18, false, {2, 2, 2, 2}},
                             {34, false, {3, 4, 6, 3}},
                             {50, true, {3, 4, 6, 3}},
                             {101, true, {3, 4, 23, 3}}};

constexpr std::int64_t kWidth = 64;  // channels of the stem

OptionTable<ResNet> resnet_options(const Depth& depth) {
  OptionTable<ResNet> table(format("resnet{}", depth.layers),
                            format("ResNet-{} with torchvision's parameter names", depth.layers));
  table.add(
      "stem", &ResNet::stem, {{"imagenet", ResNet::Stem::imagenet}, {"cifar", ResNet::Stem::cifar}},
      "imagenet: 7x7 convolution of stride 2 and pooling; cifar: 3x3 of stride 1, no pooling");
  if (depth.bottleneck) {
    table.add("groups", &ResNet::groups, "of the 3x3 convolutions; ResNeXt-50 32x4d: 32")
        .range(between(1, 1024));
    table
        .add("width_per_group", &ResNet::width_per_group,
             "of the first stage's 3x3 convolutions, doubled by each stage; ResNeXt-50 32x4d: 4, "
             "wide_resnet50_2: 128")
        .range(between(1, 4096));
    table.unit("channels");
  }
  table.add("zero_init", &ResNet::zero_init,
            "let every block start as its shortcut alone: the scale of its last norm is 0");
  add_bn_batch(table);
  table.add(
      "init", &ResNet::init, initialisations(),
      "random initialisation of the weights; kaiming_fan_out, as torchvision: of the convolutions, "
      "and `torch` of the dense layer");
  return table;
}

// One residual branch: two 3x3 convolutions, or 1x1, 3x3 and 1x1.
class Block : public torch::nn::Module {
 public:
  Block(std::int64_t in, std::int64_t planes, std::int64_t stride, bool bottleneck,
        const ResNet& options) {
    const std::int64_t out = bottleneck ? 4 * planes : planes;
    if (bottleneck) {
      const std::int64_t width = planes * options.width_per_group / kWidth * options.groups;
      add(in, width, 1, 1, 1, options);
      add(width, width, 3, stride, options.groups, options);
      add(width, out, 1, 1, 1, options);
    } else {
      add(in, planes, 3, stride, 1, options);
      add(planes, planes, 3, 1, 1, options);
    }
    if (options.zero_init) {
      const at::NoGradGuard no_grad;
      norms_.back()->weight.zero_();
    }
    if (stride == 1 && in == out) return;
    downsample_ = register_module(
        "downsample",
        torch::nn::Sequential(Convolution(in, out, 1, stride), BatchNorm(out, options.bn_batch)));
  }

  Branches forward(const Branches& input) {
    at::Tensor values = input.block;
    const std::size_t last = convolutions_.size() - 1;
    for (std::size_t i = 0; i < last; ++i)
      values = norms_[i]->relu(convolutions_[i]->forward(values));
    return norms_[last]->branches(
        convolutions_[last]->forward(values),
        downsample_ ? downsample_->forward(input.shortcut) : input.shortcut);
  }

 private:
  void add(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
           std::int64_t groups, const ResNet& options) {
    const std::string number = std::to_string(convolutions_.size() + 1);
    convolutions_.push_back(
        register_module("conv" + number, Convolution(in, out, kernel, stride, groups)));
    norms_.push_back(register_module("bn" + number, BatchNorm(out, options.bn_batch)));
  }

  std::vector<Convolution> convolutions_;
  std::vector<BatchNorm> norms_;
  torch::nn::Sequential downsample_{nullptr};
};

class ResNetNetwork : public Model {
 public:
  ResNetNetwork(const Depth& depth, const ResNet& options, const ModelContext& context)
      : pools_(options.stem == ResNet::Stem::imagenet) {
    require_pictures(format("resnet{}", depth.layers), context);
    conv1_ = register_module("conv1", pools_ ? Convolution(context.channels, kWidth, 7, 2)
                                             : Convolution(context.channels, kWidth, 3, 1));
    bn1_ = register_module("bn1", BatchNorm(kWidth, options.bn_batch));
    std::int64_t in = kWidth;
    for (int stage = 0; stage < 4; ++stage) in = add_stage(stage, in, depth, options);
    fc_ = register_module("fc", torch::nn::Linear(in, context.classes));
    initialise(*this, options.init, context.seed);
    if (options.init == Init::kaiming_fan_out) {
      // torchvision leaves the dense layer as PyTorch makes it: by its few outputs it would be too
      // large.
      torch::nn::Module head;
      head.register_module("fc", fc_);
      initialise(head, Init::torch, context.seed);
    }
  }

  at::Tensor forward(const at::Tensor& images) override {
    Branches values = bn1_->branches(conv1_->forward(images), {});
    if (pools_) values.block = values.shortcut = at::max_pool2d(values.block, 3, 2, 1);
    for (const auto& block : blocks_) values = block->forward(values);
    return fc_->forward(values.block.mean({2, 3}));
  }

 private:
  // Returns the channels that leave it.
  std::int64_t add_stage(int stage, std::int64_t in, const Depth& depth, const ResNet& options) {
    torch::nn::Sequential blocks;
    const std::int64_t planes = kWidth << stage;
    for (std::int64_t i = 0; i < depth.blocks[stage]; ++i) {
      const std::int64_t stride = i == 0 && stage > 0 ? 2 : 1;
      blocks_.push_back(std::make_shared<Block>(in, planes, stride, depth.bottleneck, options));
      blocks->push_back(blocks_.back());
      in = depth.bottleneck ? 4 * planes : planes;
    }
    register_module("layer" + std::to_string(stage + 1), blocks);
    return in;
  }

  bool pools_;
  Convolution conv1_{nullptr};
  BatchNorm bn1_{nullptr};
  std::vector<std::shared_ptr<Block>> blocks_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_model(const ResNet& options, const ModelContext& context) {
  for (const Depth& depth : kDepths)
    if (depth.layers == options.layers)
      return std::make_shared<ResNetNetwork>(depth, options, context);
  throw Error(format("no ResNet of {} layers; 18, 34, 50 or 101", options.layers));
}

void add_resnet(ModelRegistry& registry) {
  for (const Depth& depth : kDepths)
    registry.add(resnet_options(depth),
                 [layers = depth.layers](ResNet options, const ModelContext& context) {
                   options.layers = layers;
                   return make_model(options, context);
                 });
}

}  // namespace onecycle
