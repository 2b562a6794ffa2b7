#include "models/mlp_parts.h"

#include "onecycle/error.h"

#include "core/text/format.h"

#include <ATen/ATen.h>

namespace onecycle {

MlpInput::MlpInput(torch::nn::Module& owner, const Mlp& options, const ModelContext& context)
    : width_(context.channels * context.height * context.width) {
  if (context.categories.empty()) return;
  const auto columns = static_cast<std::int64_t>(context.categories.size());
  if (columns > width_)
    throw Error(format("mlp: samples of {} numbers cannot hold {} categories", width_, columns));
  embeddings_ =
      owner.register_module("embeddings", Embeddings(context.categories, options.embedding));
  width_ += embeddings_->width() - columns;
}

at::Tensor MlpInput::operator()(const at::Tensor& samples) {
  const at::Tensor rows = samples.flatten(1);
  return embeddings_ ? embeddings_->forward(rows) : rows;
}

std::optional<at::ScalarType> MlpInput::dtype() const {
  return embeddings_ ? std::optional(at::kFloat) : std::nullopt;
}

RowNorm::RowNorm(torch::nn::Module& owner, const std::string& name, const Mlp& options,
                 std::int64_t width) {
  if (options.norm == Mlp::Norm::batch)
    batch_ = owner.register_module(name, BatchNorm(width, options.bn_batch));
  else if (options.norm == Mlp::Norm::layer)
    layer_ =
        owner.register_module(name, torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})));
}

namespace {

// As images of one pixel.
at::Tensor pixels(const at::Tensor& rows) { return rows.unsqueeze(2).unsqueeze(3); }

}  // namespace

at::Tensor RowNorm::operator()(const at::Tensor& rows) {
  if (batch_) return batch_->forward(pixels(rows)).flatten(1);
  if (!layer_) return rows;
  // Norms compute in fp32 at least, whatever comes in.
  return layer_->forward(rows.to(layer_->weight.scalar_type())).to(rows.scalar_type());
}

at::Tensor RowNorm::relu(const at::Tensor& rows) {
  if (batch_) return batch_->relu(pixels(rows)).flatten(1);
  return at::relu((*this)(rows));
}

}  // namespace onecycle
