#include "onecycle/model.h"

#include "core/rng.h"

#include <cmath>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

namespace onecycle {

namespace {

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

}  // namespace

void initialise(torch::nn::Module& module, Init init, std::uint64_t seed) {
  const at::NoGradGuard no_grad;
  for (auto& part : module.named_modules("", false)) {
    torch::nn::Module& layer = *part.value();
    if (layer.as<torch::nn::Linear>() == nullptr && layer.as<torch::nn::Conv2d>() == nullptr)
      continue;
    at::Tensor weight = layer.named_parameters(false)["weight"];
    const Fans fans = fans_of(weight);
    const auto generator_of = [&](const std::string& name) {
      const std::string full = part.key() + "." + name;
      return at::make_generator<at::CPUGeneratorImpl>(
          random_words(seed, RandomUse::initial, 0, fnv1a(full.data(), full.size())).low());
    };
    fill(weight, init, fans, generator_of("weight"));
    const auto parameters = layer.named_parameters(false);
    if (const at::Tensor* bias = parameters.find("bias")) {
      at::Tensor values = *bias;
      if (init == Init::torch) {
        fill(values, init, fans, generator_of("bias"));
      } else {
        values.zero_();
      }
    }
  }
}

}  // namespace onecycle
