#include "data/pictures/picture.h"
#include "picture_files.h"

#include <filesystem>
#include <sys/stat.h>

#include <ATen/ATen.h>

namespace onecycle {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct ImageFolderFiles : testing::Test {
  ImageFolderFiles() {
    folder.write("train/cat/b.png", golden_file("png-rgb"));
    folder.write("train/cat/a.JPG", golden_file("jpeg-420"));
    folder.write("train/cat/more/c.png", golden_file("png-grey"));
    folder.write("train/dog/x.png", golden_file("png-palette"));
    folder.write("train/dog/.hidden.png", {});
    folder.write_text("train/dog/notes.txt", "none");
    folder.write("val/dog/y.png", golden_file("png-rgba"));
    descriptor.name = "pets";
    descriptor.folders = {folder.path()};
    options.validation = 0;
    set("size", "12");
  }

  void set(const std::string& option, const std::string& value) {
    set(option, Value::scalar(value));
  }

  void set(const std::string& option, const Value& value) {
    format_options.set(option, value);
    descriptor.format = chosen(builtin_formats(), "image_folder", format_options);
  }

  TemporaryFolder folder;
  DataOptions options;
  DatasetDescriptor descriptor;
  Value format_options = Value::map();
};

TEST_F(ImageFolderFiles, ReadsClassesFromFolders) {
  const DataSet data = load_data(options, descriptor);
  EXPECT_EQ(data.classes, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_TRUE(data.train.labels.equal(at::tensor({0, 0, 0, 1}, at::kLong)));
  EXPECT_TRUE(data.test.labels.equal(at::tensor({1}, at::kLong)));
  EXPECT_EQ(data.train.images.sizes(), at::IntArrayRef({4, 3, 12, 12}));
  // The second is cat/b.png, the fourth the grey one of the folder within.
  const at::Tensor grey = data.train.images[2];
  EXPECT_TRUE(grey[0].equal(grey[1]));
  EXPECT_FALSE(data.train.images[1][0].equal(data.train.images[1][1]));
}

TEST_F(ImageFolderFiles, PixelsAreThoseOfTheFile) {
  fs::remove_all(folder / "train/cat/more");
  fs::remove_all(folder / "train/cat/a.JPG");
  fs::remove_all(folder / "val");
  set("size", Value{});
  const DataSet data = load_data(options, descriptor);
  const Bytes file = golden_file("png-rgb");
  const Picture picture = decode_picture(file.data(), file.size(), "a", {});
  const at::Tensor expected =
      at::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()), {13, 20, 3}, at::kByte);
  EXPECT_TRUE(data.train.images[0].equal(expected.permute({2, 0, 1})));
  EXPECT_EQ(data.test.size(), 0);
}

TEST_F(ImageFolderFiles, GreyIsOneChannel) {
  set("channels", "1");
  EXPECT_EQ(load_data(options, descriptor).train.images.sizes(), at::IntArrayRef({4, 1, 12, 12}));
  EXPECT_THROW(set("channels", "2"), RecipeError);
}

TEST_F(ImageFolderFiles, TheFolderItselfMayHoldTheClasses) {
  descriptor.folders = {folder / "train"};
  const DataSet data = load_data(options, descriptor);
  EXPECT_EQ(data.train.size(), 4);
  EXPECT_EQ(data.test.size(), 0);
}

TEST_F(ImageFolderFiles, NamedFolders) {
  folder.write("val/cat/z.png", golden_file("png-rgb"));
  set("train", "val");
  set("test", "val");
  const DataSet data = load_data(options, descriptor);
  EXPECT_EQ(data.train.size(), 2);
  EXPECT_EQ(data.test.size(), 2);
  set("test", "nowhere");
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("no folder nowhere in "));
}

TEST_F(ImageFolderFiles, ADamagedPictureIsNamed) {
  Bytes cut = golden_file("jpeg-420");
  cut.resize(cut.size() / 2);
  folder.write("train/dog/z.jpg", cut);
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("train/dog/z.jpg: damaged or cut short"));
}

TEST_F(ImageFolderFiles, ADamagedPictureCanBeLeftOut) {
  folder.write("train/cat/aa.png", {1, 2, 3});
  set("bad", "skip");
  std::vector<std::string> warnings;
  LoadWatch watch;
  watch.warn = [&](const std::string& line) { warnings.push_back(line); };
  const DataSet data = load_data(options, descriptor, builtin_formats(), watch);
  EXPECT_TRUE(data.train.labels.equal(at::tensor({0, 0, 0, 1}, at::kLong)));
  fs::remove(folder / "train/cat/aa.png");
  EXPECT_TRUE(data.train.images.equal(load_data(options, descriptor).train.images));
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_THAT(warnings[0], HasSubstr("1 of 5 pictures left out; the first: "));
}

TEST_F(ImageFolderFiles, OtherKindsOfPicturesAreRead) {
  folder.write("train/dog/1.webp", golden_file("webp-lossy"));
  folder.write("train/dog/2.GIF", golden_file("gif"));
  folder.write("train/dog/3.bmp", golden_file("bmp-rgb"));
  EXPECT_EQ(load_data(options, descriptor).train.size(), 7);
}

TEST_F(ImageFolderFiles, StrangersCanBeLeftOut) {
  const Bytes heic = {0, 0, 0, 24, 'f', 't', 'y', 'p', 'h', 'e', 'i', 'c'};
  folder.write("train/cat/0.heic", heic);
  folder.write("train/dog/y.tiff", {'I', 'I', 42, 0});
  set("bad", "skip");
  std::vector<std::string> warnings;
  LoadWatch watch;
  watch.warn = [&](const std::string& line) { warnings.push_back(line); };
  EXPECT_EQ(load_data(options, descriptor, builtin_formats(), watch).train.size(), 4);
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_THAT(warnings[0], HasSubstr("2 of 6 pictures left out; the first: "));
  EXPECT_THAT(warnings[0], HasSubstr("train/cat/0.heic: a HEIC picture, which is not read"));
  // Also where the first picture gives the size of all.
  set("size", Value{});
  fs::remove(folder / "train/cat/a.JPG");
  EXPECT_EQ(load_data(options, descriptor).train.images.sizes(), at::IntArrayRef({3, 3, 13, 20}));
  folder.write("train/bird/z.heic", heic);
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("train/bird: no JPEG, PNG, WebP"));
}

TEST_F(ImageFolderFiles, SplitsAreFoundInAnyCase) {
  fs::rename(folder / "train", folder / "TRAIN");
  fs::rename(folder / "val", folder / "Val");
  const DataSet data = load_data(options, descriptor);
  EXPECT_EQ(data.classes, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(data.train.size(), 4);
  EXPECT_EQ(data.test.size(), 1);
}

TEST_F(ImageFolderFiles, OneClassAloneIsRefused) {
  fs::rename(folder / "train", folder / "pictures");
  fs::remove_all(folder / "val");
  EXPECT_THAT(
      data_error(options, descriptor),
      HasSubstr(": holds one class folder, 'pictures', and there is nothing to tell apart"));
}

TEST_F(ImageFolderFiles, Problems) {
  fs::create_directory(folder / "train/empty");
  EXPECT_THAT(
      data_error(options, descriptor),
      HasSubstr("train/empty: no JPEG, PNG, WebP, BMP or GIF pictures in this class folder"));
  fs::remove(folder / "train/empty");
  folder.write("val/dogs/y.png", golden_file("png-rgba"));
  EXPECT_THAT(data_error(options, descriptor),
              HasSubstr("val/dogs: not a class of the training part, did you mean dog?"));
  fs::remove_all(folder / "val/dogs");
  folder.write("train/dog/w.heic", {0});
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("w.heic: only JPEG, PNG, WebP, BMP"));
  fs::remove(folder / "train/dog/w.heic");
  set("size", Value{});
  folder.write("train/dog/z.jpg", golden_file("jpeg-exif-2"));
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("z.jpg: 5x8 pixels, the first picture"));
  descriptor.folders = {folder / "nowhere"};
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("no folder train in "));
}

TEST_F(ImageFolderFiles, NamesOfClassesAreText) {
  for (const auto& [name, why] : {std::pair("caf\xe9", "'caf?' is not valid UTF-8"),
                                  std::pair("a\x1b[31m", "'a?[31m' holds a control character")}) {
    folder.write(std::string("train/") + name + "/x.png", golden_file("png-rgba"));
    EXPECT_THAT(data_error(options, descriptor), HasSubstr(why));
    fs::remove_all(folder / ("train/" + std::string(name)));
  }
}

TEST_F(ImageFolderFiles, LinksAreFollowedButNotForEver) {
  fs::create_directory_symlink(folder / "val/dog", folder / "train/dog/linked");
  EXPECT_EQ(load_data(options, descriptor).train.size(), 5);
  fs::create_directory_symlink(folder / "train", folder / "train/dog/loop");
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("loop: a link to a folder that holds it"));
}

TEST_F(ImageFolderFiles, PipesAndDevicesAreRefused) {
  ASSERT_EQ(::mkfifo((folder / "train/dog/p.png").c_str(), 0600), 0);
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("p.png: not a regular file"));
  fs::remove(folder / "train/dog/p.png");
  fs::create_symlink("/dev/zero", folder / "train/dog/z.png");
  EXPECT_THAT(data_error(options, descriptor), HasSubstr("z.png: not a regular file"));
}

TEST_F(ImageFolderFiles, StateChangesWithTheFiles) {
  DataFiles files;
  files.folders = descriptor.folders;
  const auto state = [&] { return builtin_formats().make(descriptor.format)->state(files); };
  const std::string before = state();
  EXPECT_EQ(state(), before);
  folder.write("train/cat/b.png", golden_file("png-grey"));
  const std::string changed = state();
  EXPECT_NE(changed, before);
  fs::rename(folder / "val/dog/y.png", folder / "val/dog/z.png");
  EXPECT_NE(state(), changed);
}

}  // namespace
}  // namespace onecycle
