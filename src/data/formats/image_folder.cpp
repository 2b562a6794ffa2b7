#include "core/text/format.h"
#include "data/formats/class_folders.h"
#include "data/formats/entry.h"
#include "data/pictures/picture_set.h"
#include "data/source_state.h"

#include <filesystem>

namespace onecycle {

namespace {

struct ImageFolderOptions {
  std::optional<std::string> train, test;
  std::optional<std::int64_t> size = 224;
  std::optional<std::int64_t> resize;
  std::int64_t channels = 3;
  BadPicture bad = BadPicture::stop;
};

constexpr double kLargestSide = 4096;

OptionTable<ImageFolderOptions> image_folder_options() {
  using O = ImageFolderOptions;
  OptionTable<O> table("image_folder", "JPEG and PNG pictures in one folder a class");
  table
      .add("train", &O::train,
           "folder of the training split's class folders, in data.dir; null = train if there is "
           "one, else data.dir itself")
      .add("test", &O::test,
           "the same of the test split; null = test, val, valid or validation beside train if "
           "there is one, else no test split")
      .add("size", &O::size,
           "side of the square that is cut from the centre of a resized picture and kept; null = "
           "nothing is cut, all pictures have one size")
      .unit("pixels")
      .range(between(1, kLargestSide))
      .add("resize", &O::resize,
           "the shorter side is resized to it first, antialiased; null = size")
      .unit("pixels")
      .range(between(1, kLargestSide))
      .add("channels", &O::channels, "3: colours, 1: grey")
      .range(between(1, 3))
      .add("bad", &O::bad, {{"stop", BadPicture::stop}, {"skip", BadPicture::skip}},
           "a picture that cannot be read: stop: an error; skip: left out, with a warning that "
           "counts them")
      .rule([](const O& options) -> std::optional<OptionTable<O>::Violation> {
        if (options.channels == 2)
          return OptionTable<O>::Violation{"channels", "must be 3 or 1, not 2"};
        if (options.resize && options.size && *options.resize < *options.size)
          return OptionTable<O>::Violation{"resize", "must be at least size, which is cut from it"};
        return std::nullopt;
      });
  return table;
}

class ImageFolder : public DatasetFormat {
 public:
  explicit ImageFolder(ImageFolderOptions options) : options_(std::move(options)) {}

  std::vector<std::string> files(Split) const override { return {}; }

  bool present(const DataFiles& files) const override { return train_folder(files).has_value(); }

  bool has_test(const DataFiles& files) const override {
    return options_.test || test_folder(files);
  }

  std::vector<std::string> classes(const DataFiles& files) const override {
    return class_folders(folder(Split::train, files));
  }

  ImageSet read(Split split, const DataFiles& files) const override {
    const std::int64_t size = options_.size.value_or(0);
    const PictureFit fit{options_.channels, options_.resize.value_or(size), size};
    return read_pictures(sources(split, files), fit, options_.bad, files);
  }

  std::optional<std::int64_t> picture_side() const override {
    return options_.resize ? options_.resize : options_.size;
  }

  std::string state(const DataFiles& files) const override {
    std::vector<std::string> paths;
    for (const Split split : {Split::train, Split::test}) {
      if (split == Split::test && !has_test(files)) continue;
      for (const LabelledFile& source : sources(split, files)) paths.push_back(source.path);
    }
    return state_of(paths);
  }

 private:
  static std::optional<std::string> first_of(const DataFiles& files,
                                             std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (const auto found = files.find_folder(name)) return found;
    return std::nullopt;
  }

  std::optional<std::string> train_folder(const DataFiles& files) const {
    if (options_.train) return files.find_folder(*options_.train);
    return first_of(files, {"train", "."});
  }

  std::optional<std::string> test_folder(const DataFiles& files) const {
    if (options_.test) return files.find_folder(*options_.test);
    if (!options_.train && !files.find_folder("train")) return std::nullopt;
    return first_of(files, {"test", "val", "valid", "validation"});
  }

  std::string folder(Split split, const DataFiles& files) const {
    const auto found = split == Split::train ? train_folder(files) : test_folder(files);
    if (found) return *found;
    const auto& asked = split == Split::train ? options_.train : options_.test;
    throw DataError(format("no folder {} in {}; data.dir names the folder that holds it",
                           asked.value_or(split == Split::train ? "train" : "test"),
                           files.places()));
  }

  std::vector<LabelledFile> sources(Split split, const DataFiles& files) const {
    return labelled_pictures(folder(split, files), classes(files), split == Split::train);
  }

  ImageFolderOptions options_;
};

}  // namespace

FormatRegistry::Entry image_folder_format() {
  return format_entry<ImageFolder>(image_folder_options());
}

}  // namespace onecycle
