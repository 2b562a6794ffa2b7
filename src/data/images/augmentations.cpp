#include "onecycle/augmentations.h"

namespace onecycle {

namespace {

constexpr double kMaxPixels = 1024;
constexpr double kMaxRatio = 64;
constexpr double kMaxJitter = 16;

enum class Border { black, reflect };
enum class FlipMode { random, alternating };

struct PadCrop {
  std::int64_t pixels = 0;
  Border mode = Border::black;
};
struct RandomResizedCrop {
  std::vector<double> scale = {ResizedCrop{}.scale_low, ResizedCrop{}.scale_high};
  std::vector<double> ratio = {ResizedCrop{}.ratio_low, ResizedCrop{}.ratio_high};
};
struct Flip {
  FlipMode mode = FlipMode::random;
};
struct Cutout {
  std::int64_t pixels = 0;
};
struct Mixup {
  double alpha = 0;
};

OptionTable<PadCrop> pad_crop_options() {
  OptionTable<PadCrop> table("pad_crop",
                             "A crop of the image's size, at a random place over an added border");
  table.add("pixels", &PadCrop::pixels, "width of the border")
      .range(between(1, kMaxPixels))
      .unit("pixels")
      .required()
      .add("mode", &PadCrop::mode, {{"black", Border::black}, {"reflect", Border::reflect}},
           "black; reflect: the image mirrored");
  return table;
}

bool are_bounds(const std::vector<double>& bounds) {
  return bounds.size() == 2 && bounds[0] <= bounds[1];
}

OptionTable<RandomResizedCrop> resized_crop_options() {
  using Crop = RandomResizedCrop;
  using Violation = OptionTable<Crop>::Violation;
  OptionTable<Crop> table("random_resized_crop",
                          "A random part of the image, resized to the network's size, as "
                          "torchvision's RandomResizedCrop; in place of pad_crop");
  table.add("scale", &Crop::scale, "[low, high], share of the image's area")
      .range({.low = 0, .high = 1, .low_open = true})
      .add("ratio", &Crop::ratio, "[low, high], width / height")
      .range({.low = 0, .high = kMaxRatio, .low_open = true})
      .rule([](const Crop& crop) -> std::optional<Violation> {
        for (const auto& [name, bounds] :
             {std::pair("scale", &crop.scale), std::pair("ratio", &crop.ratio)})
          if (!are_bounds(*bounds)) return Violation{name, "expected [low, high]"};
        return std::nullopt;
      });
  return table;
}

OptionTable<Flip> flip_options() {
  OptionTable<Flip> table("flip", "Left to right");
  table.add("mode", &Flip::mode,
            {{"random", FlipMode::random}, {"alternating", FlipMode::alternating}},
            "random: one time in two; alternating: chosen once for each sample, the other way "
            "round in every odd epoch");
  return table;
}

OptionTable<ColourJitter> jitter_options() {
  using Violation = OptionTable<ColourJitter>::Violation;
  OptionTable<ColourJitter> table("colour_jitter",
                                  "Factors drawn from [max(0, 1 - x), 1 + x], as torchvision's "
                                  "ColorJitter; for 1 or 3 channels");
  table.add("brightness", &ColourJitter::brightness, "x of the brightness")
      .range(between(0, kMaxJitter))
      .add("contrast", &ColourJitter::contrast, "x of the contrast")
      .range(between(0, kMaxJitter))
      .add("saturation", &ColourJitter::saturation, "x of the saturation")
      .range(between(0, kMaxJitter))
      .rule([](const ColourJitter& jitter) -> std::optional<Violation> {
        if (jitter.any()) return std::nullopt;
        return Violation{"brightness", "one of the three must be above 0"};
      });
  return table;
}

OptionTable<ValueJitter> value_jitter_options() {
  using Violation = OptionTable<ValueJitter>::Violation;
  OptionTable<ValueJitter> table(
      "value_jitter", "Normalised values (v + a) * b, one a and one b a sample; 1 or 3 channels");
  table
      .add("shift", &ValueJitter::shift,
           "x of a, drawn from [-x, x], in standard deviations of the data's pixels")
      .range(between(0, kMaxJitter))
      .add("scale", &ValueJitter::scale, "x of b, drawn from [1 - x, 1 + x]")
      .range(between(0, 1))
      .rule([](const ValueJitter& jitter) -> std::optional<Violation> {
        if (jitter.any()) return std::nullopt;
        return Violation{"shift", "one of the two must be above 0"};
      });
  return table;
}

OptionTable<Cutout> cutout_options() {
  OptionTable<Cutout> table("cutout", "A random square set to the mean colour");
  table.add("pixels", &Cutout::pixels, "its side")
      .range(between(1, kMaxPixels))
      .unit("pixels")
      .required();
  return table;
}

OptionTable<Mixup> mixup_options() {
  OptionTable<Mixup> table("mixup",
                           "Mixtures of two samples and of their labels (arXiv 1710.09412)");
  table
      .add("alpha", &Mixup::alpha,
           "of Beta(alpha, alpha), from which each sample's share of its mixture is drawn")
      .range(above(0))
      .required();
  return table;
}

}  // namespace

AugmentationRegistry builtin_augmentations() {
  AugmentationRegistry registry("data.augment");
  registry.add(pad_crop_options(), [](const PadCrop& crop, Augment& augment) {
    augment.pad_crop = crop.pixels;
    augment.pad_reflects = crop.mode == Border::reflect;
  });
  registry.add(resized_crop_options(), [](const RandomResizedCrop& crop, Augment& augment) {
    augment.resized_crop = {crop.scale[0], crop.scale[1], crop.ratio[0], crop.ratio[1]};
  });
  registry.add(flip_options(), [](const Flip& flip, Augment& augment) {
    augment.flip = true;
    augment.flip_alternates = flip.mode == FlipMode::alternating;
  });
  registry.add(jitter_options(),
               [](const ColourJitter& jitter, Augment& augment) { augment.jitter = jitter; });
  registry.add(value_jitter_options(),
               [](const ValueJitter& jitter, Augment& augment) { augment.values = jitter; });
  registry.add(cutout_options(),
               [](const Cutout& cutout, Augment& augment) { augment.cutout = cutout.pixels; });
  registry.add(mixup_options(),
               [](const Mixup& mixup, Augment& augment) { augment.mixup = mixup.alpha; });
  return registry;
}

}  // namespace onecycle
