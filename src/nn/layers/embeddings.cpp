#include "nn/layers/embeddings.h"

#include "nn/ops/embed_columns.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <ATen/ATen.h>

namespace onecycle {

std::int64_t embedding_width(std::int64_t categories) {
  constexpr std::int64_t kWidest = 600;
  return std::min<std::int64_t>(
      kWidest, std::llround(1.6 * std::pow(static_cast<double>(categories), 0.56)));
}

EmbeddingsImpl::EmbeddingsImpl(const std::vector<std::int64_t>& categories,
                               std::optional<std::int64_t> width) {
  for (const std::int64_t count : categories)
    tables_.push_back(
        register_module(std::to_string(tables_.size()),
                        torch::nn::Embedding(count, width.value_or(embedding_width(count)))));
  counts_ = at::tensor(categories, at::kLong).unsqueeze(1);
}

at::Tensor EmbeddingsImpl::forward(const at::Tensor& rows) {
  std::vector<at::Tensor> weights;
  for (const auto& table : tables_) weights.push_back(table->weight);
  return embed_columns(rows, counts_, weights);
}

std::int64_t EmbeddingsImpl::columns() const { return counts_.size(0); }

std::int64_t EmbeddingsImpl::width() const {
  std::int64_t width = 0;
  for (const auto& table : tables_) width += table->weight.size(1);
  return width;
}

void EmbeddingsImpl::to(at::Device device, at::ScalarType dtype, bool non_blocking) {
  counts_ = counts_.to(device);
  Module::to(device, dtype, non_blocking);
}

void EmbeddingsImpl::to(at::ScalarType dtype, bool non_blocking) {
  Module::to(dtype, non_blocking);
}

void EmbeddingsImpl::to(at::Device device, bool non_blocking) {
  counts_ = counts_.to(device);
  Module::to(device, non_blocking);
}

}  // namespace onecycle
