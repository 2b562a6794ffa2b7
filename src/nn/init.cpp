#include "onecycle/error.h"
#include "onecycle/model.h"

#include "core/rng.h"

#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {

namespace {

constexpr double kEmbeddingDeviation = 0.01;

struct Fans {
  double in;
  double out;
};

// Of a weight [out, in, kernel...].
Fans fans_of(const at::Tensor& weight) {
  const double field = static_cast<double>(weight[0][0].numel());
  return {static_cast<double>(weight.size(1)) * field, static_cast<double>(weight.size(0)) * field};
}

void fill(at::Tensor& weight, Init init, const Fans& fans, const at::Generator& generator) {
  double bound = 0;
  switch (init) {
    case Init::kaiming:
    case Init::msra:
      weight.normal_(0, std::sqrt(2 / fans.in), generator);
      return;
    case Init::kaiming_fan_out:
      weight.normal_(0, std::sqrt(2 / fans.out), generator);
      return;
    case Init::xavier:
      bound = std::sqrt(6 / (fans.in + fans.out));
      break;
    case Init::torch:
      bound = 1 / std::sqrt(fans.in);
      break;
  }
  weight.uniform_(-bound, bound, generator);
}

struct WeightedLayer {
  std::string name;
  torch::nn::Module* module;
  std::uint64_t seed;

  at::Tensor parameter(const std::string& parameter_name) const {
    const auto parameters = module->named_parameters(false);
    const at::Tensor* found = parameters.find(parameter_name);
    return found != nullptr ? *found : at::Tensor();
  }
  at::Generator generator_of(const std::string& parameter_name) const {
    const std::string full = name + "." + parameter_name;
    return at::make_generator<at::CPUGeneratorImpl>(
        random_words(seed, RandomUse::initial, 0, fnv1a(full.data(), full.size())).low());
  }
};

// Convolutions, dense layers and embeddings.
std::vector<WeightedLayer> layers_of(torch::nn::Module& module, std::uint64_t seed) {
  std::vector<WeightedLayer> layers;
  for (auto& part : module.named_modules("", false)) {
    torch::nn::Module& layer = *part.value();
    if (layer.as<torch::nn::Linear>() != nullptr || layer.as<torch::nn::Conv2d>() != nullptr ||
        layer.as<torch::nn::Embedding>() != nullptr)
      layers.push_back({part.key(), &layer, seed});
  }
  return layers;
}

}  // namespace

void initialise(torch::nn::Module& module, Init init, std::uint64_t seed) {
  const at::NoGradGuard no_grad;
  for (const WeightedLayer& layer : layers_of(module, seed)) {
    at::Tensor weight = layer.parameter("weight");
    if (layer.module->as<torch::nn::Embedding>() != nullptr) {
      weight.normal_(0, kEmbeddingDeviation, layer.generator_of("weight"));
      continue;
    }
    const Fans fans = fans_of(weight);
    fill(weight, init, fans, layer.generator_of("weight"));
    at::Tensor bias = layer.parameter("bias");
    if (!bias.defined()) continue;
    if (init == Init::torch) {
      fill(bias, init, fans, layer.generator_of("bias"));
    } else {
      bias.zero_();
    }
  }
}

void initialise_gaussian(torch::nn::Module& module, const std::map<std::string, double>& deviations,
                         std::uint64_t seed) {
  const at::NoGradGuard no_grad;
  for (const WeightedLayer& layer : layers_of(module, seed)) {
    const auto deviation = deviations.find(layer.name);
    if (deviation == deviations.end())
      throw Error("no standard deviation for the initial weights of " + layer.name);
    layer.parameter("weight").normal_(0, deviation->second, layer.generator_of("weight"));
    if (at::Tensor bias = layer.parameter("bias"); bias.defined()) bias.zero_();
  }
}

}  // namespace onecycle
