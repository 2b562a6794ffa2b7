// The measure of tests/build_cost: a file that includes LibTorch, the same for good. Not part of the tests.

#include <ATen/ATen.h>
#include <torch/nn/modules/conv.h>
#include <torch/optim/sgd.h>

at::Tensor step_of(const at::Tensor& images) {
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(3, 8, 3));
  torch::optim::SGD optimizer(layer->parameters(), torch::optim::SGDOptions(.1));
  layer->forward(images).square().mean().backward();
  optimizer.step();
  return layer->weight;
}
