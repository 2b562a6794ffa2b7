#pragma once

#include "onecycle/experiment.h"

#include <cstdint>

#include <ATen/ATen.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

namespace onecycle::testing {

struct Points {
  at::Tensor inputs, targets;
};

inline Points points(std::int64_t count, std::uint64_t seed) {
  at::manual_seed(seed);
  const at::Tensor x = at::randn({count, 5});
  return {x, at::sin(2 * x.narrow(1, 0, 1)) + x.narrow(1, 1, 1) + 0.1 * at::randn({count, 1})};
}

inline torch::nn::Sequential network(std::uint64_t seed) {
  at::manual_seed(seed);
  return torch::nn::Sequential(torch::nn::Linear(5, 16), torch::nn::BatchNorm1d(16),
                               torch::nn::ReLU(), torch::nn::Linear(16, 1));
}

inline std::shared_ptr<Source> training() {
  const Points train = points(400, 1);
  return tensor_source(train.inputs, train.targets, 3);
}

inline std::shared_ptr<Source> held_out() {
  const Points held_out = points(200, 2);
  return tensor_source(held_out.inputs, held_out.targets);
}

inline const ExperimentOptions kOptions = {
    .batch_size = 40, .epochs = 4, .device = DeviceChoice::cpu};

// Every weight and buffer, copied.
inline std::vector<at::Tensor> copied(const torch::nn::Sequential& net) {
  std::vector<at::Tensor> result;
  for (const at::Tensor& one : net->parameters()) result.push_back(one.detach().clone());
  for (const at::Tensor& one : net->buffers()) result.push_back(one.clone());
  return result;
}

inline bool equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const at::Tensor& x, const at::Tensor& y) { return x.equal(y); });
}

}  // namespace onecycle::testing
