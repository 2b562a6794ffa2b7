// A data format and an augmentation of one's own, named in a recipe: own_parts own_parts.yaml
#include "onecycle/build.h"

#include <cstdio>

#include <torch/torch.h>

struct Stripes {  // the format's options, with their defaults
  std::int64_t samples = 512;
};

class StripesFormat : public onecycle::DatasetFormat {
 public:
  explicit StripesFormat(const Stripes& options) : options_(options) {}
  std::vector<std::string> files(onecycle::Split) const override { return {}; }
  bool present(const onecycle::DataFiles&) const override { return true; }
  onecycle::ImageSet read(onecycle::Split, const onecycle::DataFiles&) const override {
    onecycle::ImageSet set{torch::zeros({options_.samples, 1, 8, 8}, torch::kByte),
                           torch::arange(options_.samples).remainder(2)};
    for (std::int64_t i = 0; i < options_.samples; ++i)
      set.images[i][0].select(i % 2, i / 2 % 8).fill_(255);
    return set;
  }

 private:
  Stripes options_;
};

struct Noise {
  double deviation = 0.1;
};

class NoiseOnPixels : public onecycle::Augmentation {
 public:
  explicit NoiseOnPixels(const Noise& options) : deviation_(options.deviation) {}
  torch::Tensor apply(const torch::Tensor& inputs) const override {
    return inputs + torch::randn_like(inputs) * deviation_;
  }

 private:
  double deviation_;
};

int main(int, char** argv) {
  onecycle::OptionTable<Stripes> stripes("stripes", "Pictures of a stripe, across or upright");
  stripes.add("samples", &Stripes::samples, "of a split").range(onecycle::at_least(2));
  onecycle::OptionTable<Noise> noise("noise", "Normal noise on every pixel");
  noise.add("deviation", &Noise::deviation, "of the noise").range(onecycle::at_least(0));
  onecycle::Environment environment;
  environment.registries.formats.add(
      stripes, [](const Stripes& o) { return std::make_unique<StripesFormat>(o); });
  environment.registries.augmentations.add(
      noise, [](const Noise& options, onecycle::Augment& augment) {
        augment.others.push_back(std::make_shared<NoiseOnPixels>(options));
      });
  const auto recipe = onecycle::read_recipe_file(argv[1], environment.registries);
  const onecycle::RunEnd end = onecycle::Trainer(onecycle::build(recipe, environment)).fit();
  std::printf("test accuracy %.1f %%\n", 100 * end.test->metric());
  return end.test->metric() > 0.95 ? 0 : 1;
}
