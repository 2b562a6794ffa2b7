#include "core/format.h"
#include "model/batch_norm.h"
#include "model/builtin.h"
#include "model/convolution.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

// The residual networks for 32x32 images of He et al. 2015 (arXiv 1512.03385, section 4.2), with
// the parameter names of the checkpoints in common use: conv1, bn1, layer1.0.conv1, ..., linear.
namespace onecycle {

namespace {

enum class Shortcut { a, b };

struct CifarResNetOptions {
  std::int64_t width = 16;
  Shortcut shortcut = Shortcut::a;
  std::optional<std::int64_t> bn_batch;
  Init init = Init::kaiming;
};

}  // namespace

template <>
struct EnumNames<Shortcut> {
  static std::vector<std::pair<const char*, Shortcut>> values() {
    return {{"A", Shortcut::a}, {"B", Shortcut::b}};
  }
};
template <>
struct OptionType<Shortcut> : EnumOption<Shortcut> {};

namespace {

OptionTable<CifarResNetOptions> resnet_options(int depth) {
  OptionTable<CifarResNetOptions> table(
      format("resnet{}", depth),
      format("CIFAR ResNet of depth {} (He et al. 2015): three stages of {} blocks", depth,
             (depth - 2) / 6));
  table
      .add("width", &CifarResNetOptions::width, "channels of the first stage; the others double it")
      .range(at_least(1));
  table.unit("channels");
  table.add("shortcut", &CifarResNetOptions::shortcut,
            "where the shape changes: A pads with zeros, B projects (1x1 convolution)");
  add_bn_batch(table);
  table.add("init", &CifarResNetOptions::init, "random initialisation of the weights");
  return table;
}

class CifarBlock : public torch::nn::Module {
 public:
  CifarBlock(std::int64_t in, std::int64_t out, std::int64_t stride,
             const CifarResNetOptions& options)
      : stride_(stride), added_channels_(out - in) {
    conv1_ = register_module("conv1", Convolution(in, out, 3, stride));
    bn1_ = register_module("bn1", BatchNorm(out, options.bn_batch));
    conv2_ = register_module("conv2", Convolution(out, out, 3, 1));
    bn2_ = register_module("bn2", BatchNorm(out, options.bn_batch));
    const bool reshapes = stride != 1 || in != out;
    if (!reshapes || options.shortcut == Shortcut::a) return;
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
  ResNetCifar(int depth, const CifarResNetOptions& options, const ModelContext& context) {
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
                 std::int64_t stride, const CifarResNetOptions& options) {
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

void add_resnet_cifar(ModelRegistry& registry) {
  for (const int depth : {8, 20, 32, 44, 56, 110}) {
    const auto table = resnet_options(depth);
    registry.add(
        {table.variant(), [table, depth](const Value& options, const ModelContext& context) {
           return std::make_shared<ResNetCifar>(depth, read_options(table, options), context);
         }});
  }
}

}  // namespace onecycle
