#pragma once

#include "onecycle/model.h"
#include "onecycle/registry.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

// The networks, each as the struct that recipes' `model` fills. bn_batch: in training, norms take
// the statistics of groups of this many consecutive samples ("ghost" batch norm, Hoffer et al.
// 2017, arXiv 1705.08741); unset: of all samples of a forward pass. Runs refuse forward passes that
// are not whole groups, and then do not depend on how a step's samples are spread over ranks and
// accumulated passes.
namespace onecycle {

// Dense layers with ReLU between them; two hidden layers are the 3-layer net. Of a table's rows,
// the columns of ModelContext::categories become rows of embeddings first.
struct Mlp {
  // Of each hidden layer, before its ReLU; of residual blocks, before each.
  enum class Norm { none, batch, layer };
  // plain: linear, norm, ReLU, dropout for each of `hidden`. residual: the ResNet of Gorishniy et
  // al. 2021 (arXiv 2106.11959, section 3.2), x + dropout(linear(dropout(ReLU(linear(norm(x))))))
  // for each of `hidden`, the units within; a dense layer leads to the first, norm, ReLU and a
  // dense layer follow the last.
  enum class Block { plain, residual };

  std::vector<std::int64_t> hidden = {256, 128};
  double dropout = 0;  // of each hidden layer, and of what a residual block adds
  Init init = Init::kaiming;
  Norm norm = Norm::none;
  Block block = Block::plain;
  std::optional<std::int64_t> width = {};  // between residual blocks; unset: the first of hidden
  std::optional<std::int64_t> embedding = {};  // of n categories; unset: min(600, round(1.6 n^.56))
  std::optional<std::int64_t> bn_batch = {};   // with Norm::batch
};

// Smith's 3-layer network, Caffe's cifar10_full, for inputs of 0 to 255 less their mean.
struct Cnn3 {
  std::optional<Init> init = {};  // unset: Caffe's gaussians
};

// K. Jordan's airbench94, airbench95 and, with three convolutions a group and a residual connection
// over the last two, airbench96 (arXiv 2404.00498).
struct CifarFast {
  std::vector<std::int64_t> widths = {64, 256, 256};
  std::int64_t convs = 2;  // of a group
  bool residual = false;
  double logit_scale = 1.0 / 9;
  std::int64_t whiten_samples = 5000;
  double whiten_eps = 5e-4;
  bool dirac = true;
  std::optional<double> head_std = {};
  double bn_momentum = 0.4;
  double bn_eps = 1e-12;
  bool bn_scale = false;
  std::optional<std::int64_t> bn_batch = {};
};

// He et al. 2015 (arXiv 1512.03385), section 4.2: three stages of (depth - 2) / 6 blocks.
struct CifarResNet {
  // Where the shape changes: A pads with zeros, B projects.
  enum class Shortcut { a, b };

  int depth = 20;           // 6 n + 2
  std::int64_t width = 16;  // channels of the first stage
  Shortcut shortcut = Shortcut::a;
  std::optional<std::int64_t> bn_batch = {};
  Init init = Init::kaiming;
};

// Page's small fast residual network: eight convolutions and a dense layer.
struct ResNet9 {
  std::int64_t width = 64;
  double logit_scale = 0.125;
  double dropout = 0;
  std::optional<std::int64_t> bn_batch = {};
  Init init = Init::kaiming;
};

// The same paper's table 1 as torchvision has them. Groups and width: arXiv 1611.05431, 1605.07146.
struct ResNet {
  // imagenet: 7x7 of stride 2, and pooling; cifar: 3x3 of stride 1.
  enum class Stem { imagenet, cifar };

  int layers = 18;  // or 34, 50, 101
  Stem stem = Stem::imagenet;
  std::int64_t groups = 1;  // this and the next: with 50 layers and more
  std::int64_t width_per_group = 64;
  bool zero_init = false;  // each block begins as its shortcut alone
  std::optional<std::int64_t> bn_batch = {};
  Init init = Init::kaiming_fan_out;
};

// The initialised model in fp32 on the CPU. Throw FieldError for images that are too small and,
// but for Mlp, for samples that are no pictures; Error for a depth that there is not.
std::shared_ptr<Model> make_model(const Mlp& options, const ModelContext& context);
std::shared_ptr<Model> make_model(const Cnn3& options, const ModelContext& context);
std::shared_ptr<Model> make_model(const CifarFast& options, const ModelContext& context);
std::shared_ptr<Model> make_model(const CifarResNet& options, const ModelContext& context);
std::shared_ptr<Model> make_model(const ResNet9& options, const ModelContext& context);
std::shared_ptr<Model> make_model(const ResNet& options, const ModelContext& context);

// The networks that recipes may name.
using ModelRegistry = Registry<std::shared_ptr<Model>(const ModelContext&)>;

// All networks of this header.
ModelRegistry builtin_models();

}  // namespace onecycle
