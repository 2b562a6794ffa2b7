#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/pimpl.h>

namespace onecycle {

// Numbers that stand for one of `categories`, by fastai's emb_sz_rule:
// min(600, round(1.6 categories^0.56)).
std::int64_t embedding_width(std::int64_t categories);

// Of the last columns of a table's rows: one torch::nn::Embedding each, named 0, 1, ...
class EmbeddingsImpl : public torch::nn::Module {
 public:
  // categories: of each column. width: of every table; unset: embedding_width.
  EmbeddingsImpl(const std::vector<std::int64_t>& categories, std::optional<std::int64_t> width);

  // As embed_columns. [N, numbers + columns] -> [N, numbers + width()].
  at::Tensor forward(const at::Tensor& rows);

  std::int64_t columns() const;  // that have a table
  std::int64_t width() const;    // of all tables together

  // Nothing else of it is on a device.
  void to(at::Device device, at::ScalarType dtype, bool non_blocking = false) override;
  void to(at::ScalarType dtype, bool non_blocking = false) override;
  void to(at::Device device, bool non_blocking = false) override;

 private:
  std::vector<torch::nn::Embedding> tables_;
  at::Tensor counts_;  // [columns, 1]; no buffer, as checkpoints need none
};
TORCH_MODULE(Embeddings);

}  // namespace onecycle
