#include "data_test_support.h"
#include "recipe/yaml.h"

namespace onecycle {
namespace {

DataOptions read(const std::string& yaml) {
  Problems problems;
  const DataOptions options =
      data_options(builtin_formats().variants()).read(parse_yaml(yaml, "r.yaml"), "data", problems);
  problems.throw_if_any();
  return options;
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
  EXPECT_EQ(options.augment, Augment{});
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
  EXPECT_EQ(options.augment, (Augment{4, true, 8, .2}));
}

TEST(DataOptions, AugmentIsAppliedInItsOwnOrder) {
  EXPECT_EQ(read("{name: x, augment: [{cutout: 8}, flip]}").augment, (Augment{0, true, 8}));
  EXPECT_EQ(read("{name: x, augment: []}").augment, Augment{});
}

TEST(DataOptions, ReflectedBordersAndAlternatingFlips) {
  const auto augment = [](const std::string& list) {
    return read("{name: x, augment: " + list + "}").augment;
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
  const DatasetDescriptor descriptor = find_descriptor(options, {}, read_yaml_file);
  EXPECT_EQ(load_data(options, descriptor).train.size(), 90);
}

TEST(DataOptions, WrittenAndReadBackTheyAreTheSame) {
  for (const std::string yaml :
       {"{name: x, batch_size: 32, augment: [{pad_crop: 4}, flip, {cutout: 8}], limit: 7}",
        "{name: x, size: 24, augment: [random_resized_crop, {colour_jitter: {contrast: .5}}]}",
        "{name: x, augment: [{random_resized_crop: {scale: [.25, 1], ratio: [1, 1]}}]}",
        "{name: x, augment: [{pad_crop: {pixels: 3, mode: reflect}}, {flip: alternating}]}",
        "{name: x, normalise: caffe, augment: [{mixup: 0.2}]}", "{name: x, augment: [{mixup: 1}]}",
        "{format: {name: cifar, train: [a], test: [b], labels: fine}, batch_size: all}"}) {
    const Value written = data_options(builtin_formats().variants()).write(read(yaml));
    const Value again = data_options(builtin_formats().variants()).write(read(write_yaml(written)));
    EXPECT_EQ(write_yaml(again), write_yaml(written));
  }
}

TEST(DataOptions, Problems) {
  const std::string augment =
      "list of {pad_crop: pixels} or {pad_crop: {pixels: n, mode: black or reflect}}, "
      "random_resized_crop or {random_resized_crop: {scale: [low, "
      "high], ratio: [low, high]}}, flip or {flip: alternating}, {colour_jitter: {brightness: x, "
      "contrast: x, "
      "saturation: x}}, {cutout: pixels}, {mixup: alpha}";
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
       "r.yaml:1:20: data.augment: expected " + augment + ", got 'flip'"},
      {"{name: x, augment: [pad_crop]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", got a list"},
      {"{name: x, augment: [{pad_crop: 0}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", got a list"},
      {"{name: x, augment: [{pad_crop: {mode: reflect}}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", got a list"},
      {"{name: x, augment: [{pad_crop: {pixels: 2, mode: wrap}}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", got a list"},
      {"{name: x, augment: [{flip: always}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", got a list"},
      {"{name: x, augment: [flip, {flip: alternating}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", each at most once, got a list"},
      {"{name: x, augment: [flip, flip]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", each at most once, got a list"},
      {"{name: x, augment: [{cutout: 4}, {cutout: 4}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", each at most once, got a list"},
      {"{name: x, augment: [{mixup: 1}, {mixup: 1}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", each at most once, got a list"},
      {"{name: x, augment: [{pad_crop: 4}, random_resized_crop]}",
       "r.yaml:1:20: data.augment: expected " + augment +
           ", and one of the two crops alone, got a list"},
      {"{name: x, augment: [{colour_jitter: {hue: .1}}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", got a list"},
      {"{name: x, augment: [{random_resized_crop: {scale: [.5, .1]}}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", got a list"},
      {"{name: x, normalise: caffe, augment: [random_resized_crop]}",
       "r.yaml:1:38: data.augment: random_resized_crop and colour_jitter go with no mean image "
       "(normalise: caffe)"},
      {"{name: x, augment: [{cutout: 4.5}]}",
       "r.yaml:1:20: data.augment: expected " + augment + ", got a list"},
      {"{name: x, format: {name: idx}}",
       "r.yaml:1:19: data.format.train_images: is required: file of the training images (and 3 "
       "more: `onecycle check` lists them all)"},
  };
  for (const auto& [yaml, message] : cases) EXPECT_EQ(problem(yaml), message) << yaml;
  for (const std::string alpha : {"0", "-1", "nan", "inf", "a", "'0.2'", "[1]", "null"})
    EXPECT_EQ(problem("{name: x, augment: [{mixup: " + alpha + "}]}"),
              "r.yaml:1:20: data.augment: expected " + augment + ", got a list")
        << alpha;
}

}  // namespace
}  // namespace onecycle
