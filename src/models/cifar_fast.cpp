#include "models/entry.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/convolution.h"
#include "nn/layers/whitening.h"
#include "nn/ops/max_pool.h"
#include "nn/require_pictures.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

// The network of K. Jordan's airbench94, airbench95 and, with three convolutions a group and a
// residual connection over the last two, airbench96 (github.com/KellerJordan/cifar10-airbench;
// arXiv 2404.00498).
namespace onecycle {

namespace {

constexpr std::int64_t kWhiteningKernel = 2;

OptionTable<CifarFast> cifar_fast_options() {
  using Options = CifarFast;
  OptionTable<Options> table("cifar_fast",
                             "Jordan's airbench network: whitening 2x2 filters, groups of 3x3 "
                             "convolutions with max-pooling, "
                             "batch norm and GELU, and a dense layer");
  table.add("widths", &Options::widths, "channels of each group").range(at_least(1));
  table.unit("channels");
  table.add("convs", &Options::convs, "convolutions in a group").range(between(2, 8));
  table.add("residual", &Options::residual,
            "add what a group's first convolution gives to what its last one gives");
  table.add("logit_scale", &Options::logit_scale, "factor of the logits").range(above(0));
  table
      .add("whiten_samples", &Options::whiten_samples,
           "training images whose patches the first convolution whitens, by weights that stay as "
           "they are; 0: its weights are random and train")
      .range(at_least(0));
  table
      .add("whiten_eps", &Options::whiten_eps,
           "added to the variances before whitening divides by their roots")
      .range(above(0));
  table.add("dirac", &Options::dirac,
            "the 3x3 convolutions begin by passing their inputs on, as far as they have filters");
  table
      .add("head_std", &Options::head_std,
           "standard deviation that the dense layer's initial weights are scaled to; null: not "
           "scaled")
      .range(above(0));
  table
      .add("bn_momentum", &Options::bn_momentum,
           "share of the new statistics in the running ones, as in PyTorch")
      .range({.low = 0, .high = 1, .low_open = true});
  table.add("bn_eps", &Options::bn_eps, "added to the variances of the norms").range(at_least(0));
  table.add("bn_scale", &Options::bn_scale, "the norms' scales train; they stay 1 otherwise");
  add_bn_batch(table);
  table.rule([](const Options& options) -> std::optional<OptionTable<Options>::Violation> {
    if (!options.widths.empty() && options.widths.size() <= 8) return std::nullopt;
    return OptionTable<Options>::Violation{"widths", "needs 1 to 8 groups"};
  });
  return table;
}

// Convolution and max-pooling, then convolutions; a norm and GELU after each.
class ConvGroup : public torch::nn::Module {
 public:
  ConvGroup(std::int64_t in, std::int64_t out, const CifarFast& options)
      : residual_(options.residual) {
    for (std::int64_t i = 1; i <= options.convs; ++i) {
      convs_.push_back(
          register_module("conv" + std::to_string(i), Convolution(i == 1 ? in : out, out, 3, 1)));
      BatchNorm norm(out, options.bn_batch);
      norm->options.momentum(options.bn_momentum).eps(options.bn_eps);
      norm->weight.set_requires_grad(options.bn_scale);
      norms_.push_back(register_module("norm" + std::to_string(i), norm));
    }
  }

  at::Tensor forward(const at::Tensor& input) {
    const at::Tensor first = norms_[0]->gelu(max_pool_halved(convs_[0]->forward(input)), {});
    at::Tensor values = first;
    for (std::size_t i = 1; i < convs_.size(); ++i) {
      const bool adds = residual_ && i + 1 == convs_.size();
      values = norms_[i]->gelu(convs_[i]->forward(values), adds ? first : at::Tensor());
    }
    return values;
  }

  void pass_inputs_on() {
    for (auto& conv : convs_) {
      at::Tensor weight = conv->weight.detach();
      const std::int64_t count = std::min(weight.size(0), weight.size(1));
      weight.narrow(0, 0, count).zero_();
      for (std::int64_t i = 0; i < count; ++i) weight[i][i][1][1].fill_(1);
    }
  }

 private:
  bool residual_;
  std::vector<Convolution> convs_;
  std::vector<BatchNorm> norms_;
};

class CifarFastNetwork : public Model {
 public:
  CifarFastNetwork(const CifarFast& options, const ModelContext& context) : options_(options) {
    require_side("cifar_fast", context, (std::int64_t{1} << options.widths.size()) + 1);
    constexpr std::int64_t kPatch = kWhiteningKernel * kWhiteningKernel;
    std::int64_t width = 2 * context.channels * kPatch;
    whiten_ = register_module("whiten", torch::nn::Conv2d(torch::nn::Conv2dOptions(
                                            context.channels, width, kWhiteningKernel)));
    for (const std::int64_t next : options.widths) {
      groups_.push_back(register_module("group" + std::to_string(groups_.size() + 1),
                                        std::make_shared<ConvGroup>(width, next, options)));
      width = next;
    }
    linear_ = register_module(
        "linear", torch::nn::Linear(torch::nn::LinearOptions(width, context.classes).bias(false)));
    initialise(*this, Init::torch, context.seed);
    const at::NoGradGuard no_grad;
    whiten_->bias.zero_();
    whiten_->weight.set_requires_grad(options.whiten_samples == 0);
    for (const auto& group : groups_)
      if (options.dirac) group->pass_inputs_on();
    if (options.head_std) linear_->weight.mul_(*options.head_std / linear_->weight.std());
  }

  std::int64_t initial_samples() const override { return options_.whiten_samples; }
  void initialise_from(const at::Tensor& images) override {
    const at::NoGradGuard no_grad;
    whiten_->weight.copy_(whitening_filters(images, kWhiteningKernel, options_.whiten_eps));
  }

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor values = at::gelu(whiten_->forward(images));
    for (const auto& group : groups_) values = group->forward(values);
    values = at::max_pool2d(values, {values.size(2), values.size(3)}).flatten(1);
    return linear_->forward(values) * options_.logit_scale;
  }

 private:
  CifarFast options_;
  torch::nn::Conv2d whiten_{nullptr};
  std::vector<std::shared_ptr<ConvGroup>> groups_;
  torch::nn::Linear linear_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_model(const CifarFast& options, const ModelContext& context) {
  return std::make_shared<CifarFastNetwork>(options, context);
}

void add_cifar_fast(ModelRegistry& registry) { add_model(registry, cifar_fast_options()); }

}  // namespace onecycle
