#include "onecycle/augmentations.h"

#include "data_test_support.h"
#include "yaml/yaml.h"

namespace onecycle {
namespace {

OptionTable<DataOptions> table() {
  return data_options(builtin_formats().variants(), builtin_augmentations().variants());
}

DataOptions read(const std::string& yaml) {
  Problems problems;
  const DataOptions options = table().read(parse_yaml(yaml, "r.yaml"), "data", problems);
  problems.throw_if_any();
  return options;
}

Augment augment_of(const DataOptions& options) {
  Augment augment;
  for (const Choice& part : options.augment) builtin_augmentations().make(part, augment);
  return augment;
}

std::string problem(const std::string& yaml) {
  try {
    read(yaml);
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "no problem";
}

TEST(DataOptions, Defaults) {
  const DataOptions options = read("name: fashion-mnist");
  EXPECT_EQ(options.name, "fashion-mnist");
  EXPECT_EQ(options.format.name, "none");
  EXPECT_EQ(options.batch_size, (BatchSize{128, false}));
  EXPECT_EQ(options.validation, std::nullopt);
  EXPECT_EQ(options.limit, std::nullopt);
  EXPECT_EQ(options.normalise, Normalise::automatic);
  EXPECT_EQ(augment_of(options), Augment{});
}

TEST(DataOptions, ReadsEveryKey) {
  const DataOptions options = read(
      "{name: x, dir: /d, batch_size: all, validation: 0, limit: 9, normalise: auto, mean: [.5],"
      " std: [.25], augment: [{pad_crop: 4}, flip, {cutout: 8}, {mixup: .2}]}");
  EXPECT_EQ(options.dir, "/d");
  EXPECT_TRUE(options.batch_size.all);
  EXPECT_EQ(options.validation, 0);
  EXPECT_EQ(options.limit, 9);
  EXPECT_EQ(options.mean, std::vector<double>{.5});
  EXPECT_EQ(options.std, std::vector<double>{.25});
  EXPECT_EQ(augment_of(options), (Augment{4, true, 8, .2}));
}

TEST(DataOptions, AugmentIsAppliedInItsOwnOrder) {
  const DataOptions options = read("{name: x, augment: [{cutout: 8}, flip]}");
  EXPECT_EQ(augment_of(options), (Augment{0, true, 8}));
  EXPECT_EQ(options.augment.front().name, "flip");
  EXPECT_EQ(augment_of(read("{name: x, augment: []}")), Augment{});
}

TEST(DataOptions, AugmentIsAMapOfParts) {
  const auto augment = [](const std::string& map) {
    return augment_of(read("{name: x, augment: " + map + "}"));
  };
  EXPECT_EQ(augment("{cutout: 8, flip: true, pad_crop: 4}"), (Augment{4, true, 8}));
  EXPECT_EQ(augment("{cutout: {pixels: 8}, flip: {}}"), (Augment{0, true, 8}));
  EXPECT_EQ(augment("{cutout: 8, flip: false, pad_crop: null}"), (Augment{0, false, 8}));
  EXPECT_TRUE(augment("{flip: alternating}").flip_alternates);
  EXPECT_EQ(augment("{random_resized_crop: [.5, 1]}").resized_crop->scale_low, .5);
  EXPECT_EQ(augment("{}"), Augment{});
  EXPECT_EQ(augment("null"), Augment{});
}

TEST(DataOptions, ReflectedBordersAndAlternatingFlips) {
  const auto augment = [](const std::string& list) {
    return augment_of(read("{name: x, augment: " + list + "}"));
  };
  Augment expected{2, true};
  expected.pad_reflects = expected.flip_alternates = true;
  EXPECT_EQ(augment("[{pad_crop: {pixels: 2, mode: reflect}}, {flip: alternating}]"), expected);
  EXPECT_EQ(augment("[{pad_crop: {pixels: 4, mode: black}}, {flip: random}]"), (Augment{4, true}));
  EXPECT_EQ(augment("[{pad_crop: {pixels: 4}}]"), (Augment{4}));
}

TEST(DataOptions, AFormatOfOnesOwn) {
  const DataOptions options = read("format: {name: synthetic, train: 100}");
  EXPECT_EQ(options.format.name, "synthetic");
  const DatasetDescriptor descriptor = find_descriptor(options, {});
  EXPECT_EQ(load_data(options, descriptor).train.size(), 90);
}

TEST(DataOptions, WrittenAndReadBackTheyAreTheSame) {
  for (const std::string yaml :
       {"{name: x, batch_size: 32, augment: [{pad_crop: 4}, flip, {cutout: 8}], limit: 7}",
        "{name: x, size: 24, augment: [random_resized_crop, {colour_jitter: {contrast: .5}}]}",
        "{name: x, augment: [{random_resized_crop: {scale: [.25, 1], ratio: [1, 1]}}]}",
        "{name: x, augment: [{pad_crop: {pixels: 3, mode: reflect}}, {flip: alternating}]}",
        "{name: x, augment: [{value_jitter: {shift: .14, scale: .13}}]}",
        "{name: x, normalise: caffe, augment: [{mixup: 0.2}]}", "{name: x, augment: [{mixup: 1}]}",
        "{format: {name: cifar, train: [a], test: [b], labels: fine}, batch_size: all}"}) {
    const Value written = table().write(read(yaml));
    const Value again = table().write(read(write_yaml(written)));
    EXPECT_EQ(write_yaml(again), write_yaml(written));
  }
}

TEST(DataOptions, Problems) {
  const std::pair<std::string, std::string> cases[] = {
      {"{batch_size: 8}",
       "r.yaml:1:1: data.name: is required: a data set of `onecycle data list`, or `format`"},
      {"{name: x, format: synthetic}",
       "r.yaml:1:19: data.format: a data set has a name or a format of its own, not both"},
      {"{name: x, batch_size: 0}",
       "r.yaml:1:23: data.batch_size: expected a number of samples, at least 1, all or auto, got "
       "'0'"},
      {"{name: x, batch_size: most}",
       "r.yaml:1:23: data.batch_size: expected a number of samples, at least 1, all or auto, got "
       "'most'"},
      {"{name: x, validation: -1}", "r.yaml:1:23: data.validation: must be at least 0, got '-1'"},
      {"{name: x, limit: 0}", "r.yaml:1:18: data.limit: must be at least 1, got '0'"},
      {"{name: x, normalise: imagenet}",
       "r.yaml:1:22: data.normalise: expected auto, none or caffe, got 'imagenet'"},
      {"{name: x, mean: [.5]}",
       "r.yaml:1:17: data.mean: mean and std go together, one value a channel each"},
      {"{name: x, normalise: none, mean: [0], std: [1]}",
       "r.yaml:1:34: data.mean: normalise: none uses no mean and std"},
      {"{name: x, normalise: caffe, mean: [0], std: [1]}",
       "r.yaml:1:35: data.mean: normalise: caffe uses no mean and std"},
      {"{name: x, mean: [0], std: [0]}",
       "r.yaml:1:27: data.std: must be in [1e-30, 1e+30], got a list"},
      {"{name: x, augment: flip}",
       "r.yaml:1:20: data.augment: expected a map of names and options, got 'flip'"},
      {"{name: x, augment: [[flip]]}",
       "r.yaml:1:21: data.augment[0]: expected a name, or a map of one, got a list"},
      {"{name: x, augment: [{flip: true, cutout: 4}]}",
       "r.yaml:1:21: data.augment[0]: expected a name, or a map of one, got a map"},
      {"{name: x, augment: [flop]}",
       "r.yaml:1:21: data.augment.flop: unknown name; did you mean 'flip'? known: pad_crop, "
       "random_resized_crop, flip, colour_jitter, value_jitter, cutout, mixup"},
      {"{name: x, augment: [pad_crop]}",
       "r.yaml:1:21: data.augment.pad_crop.pixels: is required: width of the border"},
      {"{name: x, augment: [{pad_crop: 0}]}",
       "r.yaml:1:32: data.augment.pad_crop.pixels: must be in [1, 1024], got '0'"},
      {"{name: x, augment: {pad_crop: {mode: reflect}}}",
       "r.yaml:1:31: data.augment.pad_crop.pixels: is required: width of the border"},
      {"{name: x, augment: {pad_crop: {pixels: 2, mode: wrap}}}",
       "r.yaml:1:49: data.augment.pad_crop.mode: expected black or reflect, got 'wrap'"},
      {"{name: x, augment: {flip: always}}",
       "r.yaml:1:27: data.augment.flip.mode: expected random or alternating, got 'always'"},
      {"{name: x, augment: [flip, {flip: alternating}]}",
       "r.yaml:1:28: data.augment.flip: is given twice"},
      {"{name: x, augment: [{cutout: 4}, {cutout: 4}]}",
       "r.yaml:1:35: data.augment.cutout: is given twice"},
      {"{name: x, augment: [{pad_crop: 4}, random_resized_crop]}",
       "r.yaml:1:20: data.augment.random_resized_crop: takes the place of pad_crop: use one of "
       "them"},
      {"{name: x, augment: {pad_crop: 4, random_resized_crop: true}}",
       "r.yaml:1:55: data.augment.random_resized_crop: takes the place of pad_crop: use one of "
       "them"},
      {"{name: x, augment: {colour_jitter: {hue: .1}}}",
       "r.yaml:1:37: data.augment.colour_jitter.hue: unknown key; known: brightness, contrast, "
       "saturation"},
      {"{name: x, augment: {colour_jitter: {contrast: 0}}}",
       "r.yaml:1:36: data.augment.colour_jitter.brightness: one of the three must be above 0"},
      {"{name: x, augment: {random_resized_crop: {scale: [.5, .1]}}}",
       "r.yaml:1:50: data.augment.random_resized_crop.scale: expected [low, high]"},
      {"{name: x, normalise: caffe, augment: [random_resized_crop]}",
       "r.yaml:1:38: data.augment: random_resized_crop, colour_jitter and value_jitter do not go "
       "with a mean image (normalise: caffe)"},
      {"{name: x, augment: {value_jitter: {scale: 0}}}",
       "r.yaml:1:35: data.augment.value_jitter.shift: one of the two must be above 0"},
      {"{name: x, augment: {value_jitter: {scale: 1.5}}}",
       "r.yaml:1:43: data.augment.value_jitter.scale: must be in [0, 1], got '1.5'"},
      {"{name: x, augment: [{cutout: 4.5}]}",
       "r.yaml:1:30: data.augment.cutout.pixels: expected an integer, got '4.5'"},
      {"{name: x, format: {name: idx}}",
       "r.yaml:1:19: data.format.train_images: is required: file of the training images (and 3 "
       "more: `onecycle check` lists them all)"},
  };
  for (const auto& [yaml, message] : cases) EXPECT_EQ(problem(yaml), message) << yaml;
  for (const std::string alpha : {"0", "-1", "nan", "inf", "a", "'0.2'", "[1]"})
    EXPECT_TRUE(problem("{name: x, augment: {mixup: " + alpha + "}}")
                    .starts_with("r.yaml:1:28: data.augment.mixup.alpha: "))
        << alpha;
}

}  // namespace
}  // namespace onecycle
