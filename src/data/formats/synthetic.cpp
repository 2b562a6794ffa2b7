#include "core/rng.h"
#include "data/formats/entry.h"
#include "data/tensors.h"

#include <algorithm>
#include <cmath>

namespace onecycle {

namespace {

// A class is a coarse pattern of random brightness; a sample is its class's pattern under noise.
// Integers and exactly rounded operations alone: the same pixels on every machine.
struct SyntheticOptions {
  std::int64_t train = 10000;
  std::int64_t test = 2000;
  std::int64_t classes = 10;
  std::int64_t channels = 1;
  std::int64_t height = 28;
  std::int64_t width = 28;
  double noise = 0.25;
  std::int64_t seed = 0;
};

OptionTable<SyntheticOptions> synthetic_options() {
  using O = SyntheticOptions;
  OptionTable<O> table("synthetic", "made-up images that can be learnt, for trials and tests");
  table.add("train", &O::train, "size of the training split")
      .unit("samples")
      .range(between(1, 1e7))
      .add("test", &O::test, "size of the test split")
      .unit("samples")
      .range(between(1, 1e7))
      .add("classes", &O::classes, "number of classes, dealt out in turn")
      .range(between(2, 1000))
      .add("channels", &O::channels, "of an image")
      .range(between(1, 64))
      .add("height", &O::height, "of an image")
      .unit("pixels")
      .range(between(1, 1024))
      .add("width", &O::width, "of an image")
      .unit("pixels")
      .range(between(1, 1024))
      .add("noise", &O::noise, "standard deviation of a pixel about its class, of 0..1")
      .range(between(0, 10))
      .add("seed", &O::seed, "of patterns and noise")
      .range(at_least(0));
  return table;
}

class Synthetic : public DatasetFormat {
 public:
  explicit Synthetic(SyntheticOptions options) : options_(options) {}

  std::vector<std::string> files(Split) const override { return {}; }

  std::optional<std::int64_t> train_samples() const override { return options_.train; }

  ImageSet read(Split split, const DataFiles&) const override {
    const std::int64_t num_samples = split == Split::train ? options_.train : options_.test;
    const std::int64_t size = options_.channels * options_.height * options_.width;
    const std::vector<int> patterns = make_patterns();
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(num_samples * size));
    std::vector<std::int64_t> labels(static_cast<std::size_t>(num_samples));
    for (std::int64_t i = 0; i < num_samples; ++i) {
      const std::int64_t label = i % options_.classes;
      labels[static_cast<std::size_t>(i)] = label;
      add_noise(split, i, patterns.data() + label * size,
                pixels.data() + static_cast<std::size_t>(i * size));
    }
    return {tensor_of(std::move(pixels),
                      {num_samples, options_.channels, options_.height, options_.width}),
            tensor_of(std::move(labels), {num_samples})};
  }

 private:
  static constexpr std::uint32_t kPatterns = 0xFFFFFFFFu;  // in the place of a split

  RandomWords draw(std::uint32_t part, std::int64_t index) const {
    return random_words(static_cast<std::uint64_t>(options_.seed), RandomUse::synthetic, part,
                        static_cast<std::uint64_t>(index));
  }

  // [classes,C,H,W], 64..191: 4 x 4 patches of one brightness each.
  std::vector<int> make_patterns() const {
    const std::int64_t patch_h = std::max<std::int64_t>(1, (options_.height + 3) / 4);
    const std::int64_t patch_w = std::max<std::int64_t>(1, (options_.width + 3) / 4);
    std::vector<int> patterns;
    for (std::int64_t plane = 0; plane < options_.classes * options_.channels; ++plane)
      for (std::int64_t y = 0; y < options_.height; ++y)
        for (std::int64_t x = 0; x < options_.width; ++x) {
          const std::int64_t patch = plane * 16 + y / patch_h * 4 + x / patch_w;
          patterns.push_back(64 + static_cast<int>(bounded(draw(kPatterns, patch).word[0], 128)));
        }
    return patterns;
  }

  // Noise is the sum of four random bytes, centred and scaled to the wanted deviation: close to
  // normal within 3.4 deviations.
  void add_noise(Split split, std::int64_t sample, const int* pattern, std::uint8_t* pixels) const {
    const std::int64_t size = options_.channels * options_.height * options_.width;
    const double scale = options_.noise * 255.0 / std::sqrt(4 * (256.0 * 256.0 - 1) / 12);
    RandomWords words;
    for (std::int64_t i = 0; i < size; ++i) {
      if (i % 4 == 0)
        words = draw(split == Split::train ? 0 : 1, sample * ((size + 3) / 4) + i / 4);
      const std::uint32_t word = words.word[i % 4];
      const int sum =
          static_cast<int>((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24));
      const double value = pattern[i] + scale * (sum - 510);
      pixels[i] = static_cast<std::uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
    }
  }

  SyntheticOptions options_;
};

}  // namespace

FormatRegistry::Entry synthetic_format() { return format_entry<Synthetic>(synthetic_options()); }

}  // namespace onecycle
