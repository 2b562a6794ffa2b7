#include "models/entry.h"
#include "nn/require_pictures.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

// The 3-layer network of Smith's reports (arXiv 1506.01186, 1803.09820): Caffe's
// examples/cifar10/cifar10_full_train_test.prototxt.
namespace onecycle {

namespace {

constexpr std::int64_t kCnn3LeastSide = 8;  // each of three poolings halves a side, rounded down

OptionTable<Cnn3> cnn3_options() {
  OptionTable<Cnn3> table(
      "cnn3",
      "Smith's 3-layer network, Caffe's cifar10_full: three 5x5 convolutions with pooling and "
      "local response norms; made for data.normalise: caffe");
  table.add("init", &Cnn3::init, initialisations(),
            "random initialisation of the weights; null: Caffe's gaussians, std 1e-4 (conv1) and "
            "0.01, for pixels 0 to 255 (inputs of unit variance need kaiming)");
  return table;
}

// Caffe's LRN WITHIN_CHANNEL: x (1 + alpha m)^-beta, m the mean of x^2 over the 3x3 pixels around
// each, those beyond the edge counting as zeros. In fp32 at least: bf16 rounds a small alpha m
// away.
at::Tensor response_norm(const at::Tensor& input) {
  constexpr double kAlpha = 5e-5;
  constexpr double kBeta = 0.75;
  const at::Tensor wide = input.to(at::promote_types(input.scalar_type(), at::kFloat));
  const at::Tensor mean = at::avg_pool2d(wide.square(), 3, 1, 1, /*ceil_mode=*/false,
                                         /*count_include_pad=*/true);
  return (wide * (mean * kAlpha + 1).pow(-kBeta)).to(input.scalar_type());
}

// Caffe rounds sizes up; a window over the bottom or right edge is divided by the pixels it covers.
at::Tensor average_pool(const at::Tensor& input) {
  return at::avg_pool2d(input, 3, 2, 0, /*ceil_mode=*/true, /*count_include_pad=*/true);
}

at::Tensor max_pool(const at::Tensor& input) {
  return at::max_pool2d(input, 3, 2, 0, 1, /*ceil_mode=*/true);
}

class Cnn3Network : public Model {
 public:
  Cnn3Network(const Cnn3& options, const ModelContext& context) {
    require_side("cnn3", context, kCnn3LeastSide);
    conv1_ = add_convolution("conv1", context.channels, 32);
    conv2_ = add_convolution("conv2", 32, 32);
    conv3_ = add_convolution("conv3", 32, 64);
    const std::int64_t pixels = (context.height / 8) * (context.width / 8);
    fc_ = register_module("fc", torch::nn::Linear(64 * pixels, context.classes));
    if (options.init) {
      initialise(*this, *options.init, context.seed);
    } else {
      initialise_gaussian(*this, {{"conv1", 1e-4}, {"conv2", 0.01}, {"conv3", 0.01}, {"fc", 0.01}},
                          context.seed);
    }
  }

  std::vector<double> decays_to_try() const override { return {1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 0}; }

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor values = response_norm(max_pool(conv1_->forward(images)).relu_());
    values = response_norm(average_pool(conv2_->forward(values).relu_()));
    values = average_pool(conv3_->forward(values).relu_());
    return fc_->forward(values.flatten(1));
  }

 private:
  torch::nn::Conv2d add_convolution(const char* name, std::int64_t in, std::int64_t out) {
    return register_module(name,
                           torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 5).padding(2)));
  }

  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_model(const Cnn3& options, const ModelContext& context) {
  return std::make_shared<Cnn3Network>(options, context);
}

void add_cnn3(ModelRegistry& registry) { add_model(registry, cnn3_options()); }

}  // namespace onecycle
