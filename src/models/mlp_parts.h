#pragma once

#include "onecycle/models.h"

#include "nn/layers/batch_norm.h"
#include "nn/layers/embeddings.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/normalization.h>

namespace onecycle {

// What networks of dense layers make their first layer's inputs with: samples [N, ...] become
// [N, width()], a table's categories as embeddings named "embeddings.0", ... in `owner`.
class MlpInput {
 public:
  // Throws Error where a sample has fewer numbers than there are categories.
  MlpInput(torch::nn::Module& owner, const Mlp& options, const ModelContext& context);

  at::Tensor operator()(const at::Tensor& samples);

  std::int64_t width() const { return width_; }
  // As Model::input_dtype.
  std::optional<at::ScalarType> dtype() const;

 private:
  std::int64_t width_;
  Embeddings embeddings_{nullptr};
};

// The norm that the options say, of [N, width], `name` in `owner`, or none.
class RowNorm {
 public:
  RowNorm(torch::nn::Module& owner, const std::string& name, const Mlp& options,
          std::int64_t width);

  at::Tensor operator()(const at::Tensor& rows);
  at::Tensor relu(const at::Tensor& rows);  // of the norm

 private:
  BatchNorm batch_{nullptr};
  torch::nn::LayerNorm layer_{nullptr};
};

// The network of Mlp::Block::residual. Its parameters' names: input, block1.norm, block1.linear1,
// block1.linear2, block2..., norm, output.
std::shared_ptr<Model> residual_mlp(const Mlp& options, const ModelContext& context);

// Model::decays_to_try of both.
inline std::vector<double> mlp_decays() { return {1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 0}; }

}  // namespace onecycle
