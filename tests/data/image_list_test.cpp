#include "onecycle/pack.h"

#include "formats/safetensors/safetensors.h"
#include "picture_files.h"

#include <cmath>
#include <filesystem>

namespace onecycle {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Four pictures of 13x20 pixels.
class ImageLists : public testing::Test {
 protected:
  ImageLists() {
    for (const char* name : {"png-rgb", "png-grey", "png-palette", "png-rgba"})
      folder.write(std::string("train_images/") + name + ".png", golden_file(name));
    descriptor.name = "leaves";
    descriptor.folders = {folder.path()};
    options.validation = 0;
  }

  DataSet load(const std::string& more, std::optional<TargetKind> targets = {}) {
    descriptor.format =
        chosen(builtin_formats(), "image_list",
               "{train: train.csv, folder: train_images, extension: .png, size: null" + more + "}");
    LoadWatch watch;
    watch.warn = [this](const std::string& line) { warnings.push_back(line); };
    return load_data(options, descriptor, builtin_formats(), watch, targets);
  }
  std::string error(const std::string& more = "", std::optional<TargetKind> targets = {}) {
    try {
      load(more, targets);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return "no error";
  }
  std::string error_of(const std::string& csv, const std::string& more = "",
                       std::optional<TargetKind> targets = {}) {
    folder.write_text("train.csv", csv);
    return error(more, targets);
  }

  TemporaryFolder folder;
  DataOptions options;
  DatasetDescriptor descriptor;
  std::vector<std::string> warnings;
};

constexpr const char* kOneClass =
    "image,label\npng-rgba,oak\npng-rgb,ash\npng-palette,oak\npng-grey,elm\n";

TEST_F(ImageLists, GiveTheClassOfEachPicture) {
  folder.write_text("train.csv", kOneClass);
  const DataSet data = load("");
  EXPECT_EQ(data.target_kind, TargetKind::classes);
  EXPECT_EQ(data.classes, (std::vector<std::string>{"ash", "elm", "oak"}));
  EXPECT_TRUE(data.train.labels.equal(at::tensor({2, 0, 2, 1}, at::kLong)));
  EXPECT_EQ(data.train.images.sizes(), at::IntArrayRef({4, 3, 13, 20}));
  EXPECT_TRUE(data.train.images[1].equal(golden_pixels("png-rgb")));
  EXPECT_TRUE(data.train.images[3].equal(golden_pixels("png-grey")));
  EXPECT_EQ(data.test.size(), 0);
  EXPECT_EQ(data.mean.size(), 3);
}

TEST_F(ImageLists, LinesMayEndInCrlf) {
  folder.write_text("train.csv",
                    "image,label\r\npng-rgba,oak\r\n\r\npng-rgb,\"ash\"\r\npng-grey,oak");
  const DataSet data = load("");
  EXPECT_EQ(data.classes, (std::vector<std::string>{"ash", "oak"}));
  EXPECT_TRUE(data.train.labels.equal(at::tensor({1, 0, 1}, at::kLong)));
}

TEST_F(ImageLists, OneClassAloneIsTold) {
  folder.write_text("train.csv", "image,label\npng-rgb,oak\npng-grey,oak\n");
  load("");
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_THAT(warnings[0],
              HasSubstr("leaves has one class alone, 'oak': there is nothing to tell"));
}

TEST_F(ImageLists, NumbersAreClassesWhereTheTaskHasThem) {
  folder.write_text("train.csv", "level,file\n10,png-rgba\n9,png-rgb\n10,png-grey\n");
  const DataSet data = load(", file: file, target: [level]", TargetKind::classes);
  EXPECT_EQ(data.classes, (std::vector<std::string>{"9", "10"}));
  EXPECT_TRUE(data.train.labels.equal(at::tensor({1, 0, 1}, at::kLong)));
}

TEST_F(ImageLists, GiveValuesThatAreStandardised) {
  folder.write_text("train.csv", "id,age,height\npng-rgb,1,5\npng-grey,3,5\n");
  folder.write_text("test.csv", "id,height,age\npng-rgba,7,4\n");
  const DataSet data = load(", test: test.csv");
  EXPECT_EQ(data.target_kind, TargetKind::values);
  EXPECT_EQ(data.targets.names, (std::vector<std::string>{"age", "height"}));
  EXPECT_EQ(data.targets.mean, (std::vector<double>{2, 5}));  // std 1, and 1 of what is constant
  EXPECT_TRUE(data.train.labels.equal(at::tensor({-1., 0., 1., 0.}, at::kDouble).view({2, 2})));
  EXPECT_TRUE(data.test.labels.equal(at::tensor({2., 2.}, at::kDouble).view({1, 2})));
  EXPECT_TRUE(data.classes.empty());
}

// Kaggle's Plant Pathology 2021: image,labels with names apart by spaces.
TEST_F(ImageLists, GiveLabelsNamedInOneCell) {
  folder.write_text("train.csv",
                    "image,labels\npng-rgb,rust scab\npng-grey,\npng-rgba, scab  rust mould\n");
  folder.write_text("test.csv", "image,labels\npng-palette,mould\n");
  const DataSet data = load(", test: test.csv, label_separator: ' '");
  EXPECT_EQ(data.target_kind, TargetKind::labels);
  EXPECT_EQ(data.classes, (std::vector<std::string>{"mould", "rust", "scab"}));
  EXPECT_EQ(data.train.labels.scalar_type(), at::kByte);
  EXPECT_TRUE(
      data.train.labels.equal(at::tensor({0, 1, 1, 0, 0, 0, 1, 1, 1}, at::kByte).view({3, 3})));
  EXPECT_TRUE(data.test.labels.equal(at::tensor({1, 0, 0}, at::kByte).view({1, 3})));
  EXPECT_EQ(data.targets.counts, (std::vector<std::int64_t>{1, 2, 2}));
  const DataSummary summary = describe_data(data);
  EXPECT_EQ(summary.splits[0].per_class, (std::vector<std::int64_t>{1, 2, 2}));
  EXPECT_EQ(summary.splits[0].statistics.mean.size(), 3);
}

TEST_F(ImageLists, GiveLabelsInColumns) {
  folder.write_text("train.csv", "image,scab,rust\npng-rgb,1,0\npng-grey,0,0\npng-rgba,1,1\n");
  const DataSet data = load("", TargetKind::labels);
  EXPECT_EQ(data.classes, (std::vector<std::string>{"scab", "rust"}));
  EXPECT_TRUE(data.train.labels.equal(at::tensor({1, 0, 0, 0, 1, 1}, at::kByte).view({3, 2})));
}

// Whatever is held out or left out, a picture keeps its target: the mean of its pixels.
TEST_F(ImageLists, PartsKeepTheirTargets) {
  std::string csv = "image,mean\n";
  for (const char* name : {"png-rgba", "png-rgb", "png-palette", "png-grey"})
    csv += std::string(name) + "," +
           std::to_string(golden_pixels(name).to(at::kDouble).mean().item<double>()) + "\n";
  folder.write_text("train.csv", csv);
  options.validation = 1;
  options.limit = 2;
  const DataSet data = load("");
  EXPECT_EQ(data.train.size(), 2);
  EXPECT_EQ(data.validation.size(), 1);
  for (const ImageSet* part : {&data.train, &data.validation}) {
    const at::Tensor told = part->labels.select(1, 0) * data.targets.std[0] + data.targets.mean[0];
    EXPECT_TRUE(told.allclose(part->images.to(at::kDouble).mean({1, 2, 3}), 0, 1e-5));
  }
}

TEST_F(ImageLists, NameTheRowOfWhatIsWrong) {
  EXPECT_THAT(error_of("image,label\npng-rgb,a\nnone,b\n"),
              HasSubstr("train.csv, line 3, column 'image': no file "));
  EXPECT_THAT(error_of("image,label\npng-rgb,a\n,b\n"),
              HasSubstr("train.csv, line 3, column 'image': names no file"));
  EXPECT_THAT(error_of("image,label\npng-rgb,a\npng-grey,b\n./png-rgb,a\n"),
              HasSubstr("train.csv, line 4, column 'image': './png-rgb' is the picture of another "
                        "row already ("));
  for (const char* name : {"../train_images/png-rgb", "a/../../train_images/png-rgb", "/etc/x"})
    EXPECT_THAT(error_of("image,label\n" + std::string(name) + ",a\n"),
                HasSubstr("train.csv, line 2, column 'image': '" + std::string(name) +
                          "' leads out of the folder "));
  EXPECT_THAT(error_of("image,label\n\"png\n-rgb\",a\n"), HasSubstr("holds a control character"));
  folder.write("train_images/cut.png", {1, 2, 3});
  EXPECT_THAT(error_of("image,label\npng-rgb,a\ncut,b\n"),
              HasSubstr("train.csv, line 3, column 'image': " + folder / "train_images/cut.png"));
  EXPECT_THAT(error_of("image,label\ncut,b\n"), HasSubstr("train.csv, line 2, column 'image': "));
  EXPECT_THAT(error_of("image,value\npng-rgb,1\npng-grey,x\n", "", TargetKind::values),
              HasSubstr("train.csv, line 3, column 'value': the target 'x' is not a number"));
  EXPECT_THAT(error_of(kOneClass, ", test_folder: train_images"), HasSubstr("test_folder"));
  EXPECT_THAT(error_of("image,labels\npng-rgb,a b\n", "", TargetKind::labels),
              HasSubstr("train.csv, line 2, column 'labels': names labels; say what separates "));
}

TEST_F(ImageLists, OfTheTestPartHaveTheTargetsOfTheTraining) {
  folder.write_text("train.csv", "image,label\npng-rgb,a b\npng-grey,b\n");
  folder.write_text("test.csv", "image,label\npng-rgba,c\n");
  EXPECT_THAT(error(", test: test.csv"),
              HasSubstr("test.csv, line 2, column 'label': the training table has no class 'c'"));
  EXPECT_THAT(error(", test: test.csv, label_separator: ' '"),
              HasSubstr("test.csv, line 2, column 'label': the training table has no label 'c'"));
  folder.write("test_images/png-rgba.png", golden_file("png-exif-6"));
  folder.write_text("test.csv", "image,label\npng-rgba,b\n");
  EXPECT_THAT(error(", test: test.csv, test_folder: test_images"),
              HasSubstr("the training images are uint8 3x13x20, the test images uint8 3x8x5"));
}

TEST_F(ImageLists, ColumnsAreChecked) {
  EXPECT_THAT(error_of("image\npng-rgb\n"), HasSubstr("has no column beside 'image'"));
  EXPECT_THAT(error_of(kOneClass, ", file: name"), HasSubstr("no column 'name'"));
  EXPECT_THAT(error_of(kOneClass, ", target: [image]"), HasSubstr("'image' names the files"));
  EXPECT_THAT(error_of("image,a,b\npng-rgb,x,y\n", ", label_separator: ' '"),
              HasSubstr("format.label_separator is for the cells of one column"));
  EXPECT_THAT(error_of("image,labels\npng-rgb,\n", ", label_separator: ' '"),
              HasSubstr("no row has a label in column 'labels'"));
  EXPECT_THAT(error_of(kOneClass, ", separator: ''"), HasSubstr("one ASCII character"));
  EXPECT_THAT(error_of(kOneClass, ", channels: 2"), HasSubstr("must be 3 or 1"));
  fs::rename(folder / "train_images", folder / "elsewhere");
  EXPECT_THAT(error(), HasSubstr("no folder train_images in "));
  descriptor.classes = {"oak"};
  fs::rename(folder / "elsewhere", folder / "train_images");
  EXPECT_THAT(error(), HasSubstr("leave `classes` out of its descriptor"));
}

TEST_F(ImageLists, WhatCannotBeReadCanBeLeftOut) {
  folder.write("train_images/cut.png", {1, 2, 3});
  folder.write_text("train.csv", "image,value\npng-rgb,1\ncut,2\nnone,3\npng-grey,4\npng-rgba,5\n");
  const DataSet data = load(", bad: skip");
  const at::Tensor told = data.train.labels * data.targets.std[0] + data.targets.mean[0];
  EXPECT_TRUE(told.allclose(at::tensor({1., 4., 5.}, at::kDouble).view({3, 1})));
  EXPECT_TRUE(data.train.images[1].equal(golden_pixels("png-grey")));
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_THAT(warnings[0], HasSubstr("2 of 5 pictures left out; the first: "));
  EXPECT_THAT(warnings[0], HasSubstr("train.csv, line 3, column 'image': "));
}

void expect_equal(const DataSet& one, const DataSet& other) {
  EXPECT_EQ(one.target_kind, other.target_kind);
  EXPECT_EQ(one.classes, other.classes);
  EXPECT_EQ(one.targets.names, other.targets.names);
  EXPECT_EQ(one.targets.mean, other.targets.mean);
  EXPECT_EQ(one.mean, other.mean);
  for (const auto part : {&DataSet::train, &DataSet::validation, &DataSet::test}) {
    EXPECT_TRUE((one.*part).images.equal((other.*part).images));
    EXPECT_TRUE((one.*part).labels.equal((other.*part).labels));
  }
}

TEST_F(ImageLists, ArePackedWithTheirValues) {
  folder.write_text("train.csv", "image,grade\npng-rgb,1\npng-grey,2\npng-palette,4\n");
  folder.write_text("test.csv", "image,grade\npng-rgba,2\n");
  options.validation = 1;
  const std::string more = ", test: test.csv";
  const DataSet before = load(more);
  const std::string path = packed_path(options, descriptor);
  EXPECT_EQ(pack_data(options, descriptor, path).train, 3);
  const DataSet after = load(more);
  expect_equal(after, before);
  EXPECT_THAT(read_bytes("/proc/self/maps"), HasSubstr(path));
  EXPECT_TRUE(warnings.empty());
  // Another task's targets are read from the list.
  EXPECT_EQ(load(more, TargetKind::classes).classes, (std::vector<std::string>{"1", "2", "4"}));
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_THAT(warnings[0], HasSubstr("is not used: its targets are values, and the task is for "
                                     "classes"));
  pack_data(options, descriptor, path, builtin_formats(), {}, TargetKind::classes);
  EXPECT_EQ(load(more, TargetKind::classes).classes, (std::vector<std::string>{"1", "2", "4"}));
  EXPECT_EQ(warnings.size(), 1);
}

TEST_F(ImageLists, ArePackedWithTheirLabels) {
  folder.write_text("train.csv", "image,labels\npng-rgb,b a\npng-grey,\npng-palette,b\n");
  const DataSet before = load(", label_separator: ' '");
  pack_data(options, descriptor, folder / "mine");
  descriptor.format = chosen(builtin_formats(), "packed", "file: mine");
  expect_equal(load_data(options, descriptor), before);
}

// Files that no `onecycle data pack` wrote.
TEST_F(ImageLists, StrangersPackedTargetsAreChecked) {
  const std::vector<std::uint8_t> pixels(8), labels = {0, 1, 1, 2};
  const double values[] = {1, 2, 3, NAN};
  descriptor.format = chosen(builtin_formats(), "packed", "file: x.packed");
  const auto packed = [&](const char* kind, const std::string& type, const void* targets,
                          const char* names, std::uint64_t bytes) {
    write_safetensors(folder / "x.packed",
                      {{"train.labels", type, {2, 2}, targets, bytes},
                       {"train.images", "U8", {2, 1, 2, 2}, pixels.data(), 8}},
                      {{"classes", names}, {"targets", kind}});
    return data_error(options, descriptor);
  };
  constexpr const char* kTwo = R"(["a","b"])";
  EXPECT_THAT(packed("labels", "U8", labels.data(), kTwo, 4), HasSubstr("neither 0 nor 1"));
  EXPECT_THAT(packed("values", "F64", values, kTwo, 32), HasSubstr("no finite number"));
  EXPECT_THAT(packed("values", "U8", labels.data(), kTwo, 4), HasSubstr("holds no train.images"));
  EXPECT_THAT(packed("labels", "U8", labels.data(), R"(["a"])", 4),
              HasSubstr("holds no train.images"));
  write_safetensors(folder / "x.packed",
                    {{"train.labels", "U8", {2, 0}, labels.data(), 0},
                     {"train.images", "U8", {2, 1, 2, 2}, pixels.data(), 8}},
                    {{"classes", "[]"}, {"targets", "labels"}});
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("holds no train.images"));
  EXPECT_THAT(packed("boxes", "U8", labels.data(), kTwo, 4), HasSubstr("its targets are 'boxes'"));
}

}  // namespace
}  // namespace onecycle
