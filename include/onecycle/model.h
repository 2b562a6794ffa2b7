#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace onecycle {

// What a model needs to know of the data and the run.
struct ModelContext {
  std::int64_t channels = 3;
  std::int64_t height = 32;
  std::int64_t width = 32;
  std::int64_t classes = 10;
  std::uint64_t seed = 0;  // of the random initialisation
  // Of samples that are no pictures: their sizes, without the batch; then channels is the product
  // of them, height and width are 1. Empty: pictures.
  std::vector<std::int64_t> sample_shape = {};
  // Of a table's rows [features + embedded columns]: the numbers of categories of each of the last
  // columns, whose values are 0, 1, ... (TableEncoding).
  std::vector<std::int64_t> categories = {};
};

// Sizes of one sample, as a network sees it: `sample_shape`, or [C, H, W] of a picture.
std::vector<std::int64_t> sample_sizes(const ModelContext& context);

// A network. A LibTorch module: its named parameters and buffers are what checkpoints hold.
class Model : public torch::nn::Module {
 public:
  // images [N, C, H, W], or other samples [N, ...], normalised, in the dtype of the weights ->
  // outputs [N, classes].
  virtual at::Tensor forward(const at::Tensor& images) = 0;

  // The narrowest type that the inputs may come in, whatever the weights are computed with:
  // categories are exact in fp32, and not in bf16. Empty: the dtype of the weights.
  virtual std::optional<at::ScalarType> input_dtype() const { return std::nullopt; }

  // How many training images the initial weights are made from; 0: they do not depend on data.
  virtual std::int64_t initial_samples() const { return 0; }
  // Once, before a training from scratch, in fp32 on the CPU: the first `initial_samples` images of
  // the training part or all of fewer, [N, C, H, W], normalised, not augmented.
  virtual void initialise_from(const at::Tensor& /*images*/) {}

  // Weight decays for tuning to try, in l2 units: of shallow nets more than of deep ones with batch
  // norm (Smith, arXiv 1803.09820, section 4.4).
  virtual std::vector<double> decays_to_try() const { return {1e-3, 5e-4, 1e-4, 1e-5, 0}; }
};

// Random initialisation of every weight with two or more dimensions (n_in, n_out: fan in and out).
enum class Init {
  kaiming,          // normal, std sqrt(2 / n_in): He et al. 2015, PyTorch's kaiming_normal_
  kaiming_fan_out,  // normal, std sqrt(2 / n_out): torchvision's ResNets
  msra,             // Caffe's name for kaiming
  xavier,           // uniform, bound sqrt(6 / (n_in + n_out)): Glorot & Bengio 2010
  torch,            // uniform, bound 1 / sqrt(n_in), biases too: PyTorch's own default
};

// Initialises every convolution and dense layer; biases are 0 but for Init::torch; embeddings are
// normal, std 0.01 (fastai's) whatever `init` is; norms are left as they are (scale 1, shift 0).
// Each tensor's numbers depend on its name, its shape and the seed alone.
void initialise(torch::nn::Module& module, Init init, std::uint64_t seed);

// The same with weights from a normal distribution whose standard deviation `deviations` holds by
// the layer's name ("layer1.conv"), as Caffe's gaussian filler; biases are 0. Throws Error where it
// lacks a layer.
void initialise_gaussian(torch::nn::Module& module, const std::map<std::string, double>& deviations,
                         std::uint64_t seed);

// What one forward pass of one sample costs.
struct ModelSummary {
  std::int64_t parameters = 0;
  std::int64_t trainable = 0;
  std::int64_t macs = 0;              // multiply-accumulates of convolutions and dense layers
  std::int64_t activation_bytes = 0;  // kept for the backward pass, per sample, in fp32
};

// Runs the model on one sample of zeros, in evaluation mode, and leaves it as it was.
ModelSummary summarise(Model& model, const ModelContext& context);
// The same on a batch that the model takes, on its device: `macs` and `activation_bytes` are of all
// its samples together, in the dtype that it computes with.
ModelSummary summarise_on(Model& model, const at::Tensor& inputs);

}  // namespace onecycle
