#include "core/text/format.h"
#include "data/files.h"
#include "data/formats/class_folders.h"
#include "data/formats/entry.h"
#include "data/formats/picture_options.h"
#include "data/source_state.h"

#include <filesystem>

namespace onecycle {

namespace {

struct ImageFolderOptions : PictureOptions {
  std::optional<std::string> train, test;
};

OptionTable<ImageFolderOptions> image_folder_options() {
  using O = ImageFolderOptions;
  OptionTable<O> table("image_folder",
                       "pictures (JPEG, PNG, WebP, BMP, GIF) in one folder a class");
  table
      .add("train", &O::train,
           "folder of the training split's class folders, in data.dir; null = train, in any case, "
           "if there is one, else data.dir itself")
      .add("test", &O::test,
           "the same of the test split; null = test, val, valid or validation beside train if "
           "there is one, else no test split");
  add_picture_options(table);
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
    const std::string root = folder(Split::train, files);
    std::vector<std::string> classes = class_folders(root);
    if (classes.size() == 1)
      throw DataError(
          format("{}: holds one class folder, '{}', and there is nothing to tell apart in one "
                 "class; add the others, or name the folder that holds the class folders in "
                 "data.dir or format.train",
                 root, classes.front()));
    return classes;
  }

  ImageSet read(Split split, const DataFiles& files) const override {
    return read_pictures(sources(split, files), options_.fit(), options_.bad, files);
  }

  std::optional<std::int64_t> picture_side() const override { return options_.side(); }

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
      if (const auto found = find_folder_in_any_case(files, name)) return found;
    return std::nullopt;
  }

  std::optional<std::string> train_folder(const DataFiles& files) const {
    if (options_.train) return files.find_folder(*options_.train);
    return first_of(files, {"train", "."});
  }

  std::optional<std::string> test_folder(const DataFiles& files) const {
    if (options_.test) return files.find_folder(*options_.test);
    if (!options_.train && !find_folder_in_any_case(files, "train")) return std::nullopt;
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
    return labelled_pictures(folder(split, files), classes(files), split == Split::train,
                             options_.bad == BadPicture::skip);
  }

  ImageFolderOptions options_;
};

}  // namespace

FormatRegistry::Entry image_folder_format() {
  return format_entry<ImageFolder>(image_folder_options());
}

}  // namespace onecycle
