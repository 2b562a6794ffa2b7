#include "core/text/format.h"
#include "data/formats/entry.h"
#include "data/formats/idx_array.h"
#include "data/tensors.h"

namespace onecycle {

namespace {

at::Tensor read_images(const std::string& path) {
  IdxArray array = read_idx(path);
  auto sizes = array.sizes;
  if (sizes.size() < 2)
    throw DataError(
        format("{}: holds {} numbers, not images (samples x height x width); check which "
               "file it is",
               path, sizes_text(sizes)));
  for (const std::int64_t size : sizes)
    if (size == 0)
      throw DataError(format("{}: empty: its header announces {}; get the file again", path,
                             sizes_text(sizes)));
  // [N,F] -> [N,1,1,F]; [N,H,W] -> [N,1,H,W].
  while (sizes.size() < 4) sizes.insert(sizes.begin() + 1, 1);
  if (array.type == IdxType::uint8) return tensor_of(std::move(array.bytes), sizes);
  return tensor_of(read_floats(array, path), sizes);
}

// Of QMNIST eight int32 a sample, the class first (C. Yadav, L. Bottou, "Cold case: the lost MNIST
// digits", 2019).
constexpr std::int64_t kQmnistColumns = 8;

at::Tensor read_labels(const std::string& path) {
  const IdxArray array = read_idx(path);
  const bool is_qmnist =
      array.type == IdxType::int32 && array.sizes.size() == 2 && array.sizes[1] == kQmnistColumns;
  if (array.sizes.size() != 1 && !is_qmnist)
    throw DataError(
        format("{}: holds {} elements of {} bytes, not one label a sample; check which file it is",
               path, sizes_text(array.sizes), element_bytes(array.type)));
  const at::Tensor labels = tensor_of(read_integers(array, path), array.sizes);
  return is_qmnist ? labels.select(1, 0).contiguous() : labels;
}

struct IdxOptions {
  std::string train_images, train_labels, test_images, test_labels;
};

OptionTable<IdxOptions> idx_options() {
  OptionTable<IdxOptions> table("idx", "MNIST's format, plain or gzip: pixels of any of its types");
  table.add("train_images", &IdxOptions::train_images, "file of the training images")
      .required()
      .add("train_labels", &IdxOptions::train_labels,
           "file of the training labels, integers (QMNIST's: its first column)")
      .required()
      .add("test_images", &IdxOptions::test_images, "file of the test images")
      .required()
      .add("test_labels", &IdxOptions::test_labels, "file of the test labels")
      .required();
  return table;
}

class Idx : public DatasetFormat {
 public:
  explicit Idx(IdxOptions options) : options_(std::move(options)) {}

  std::vector<std::string> files(Split split) const override {
    if (split == Split::train) return {options_.train_images, options_.train_labels};
    return {options_.test_images, options_.test_labels};
  }

  ImageSet read(Split split, const DataFiles& files) const override {
    const auto names = this->files(split);
    const std::string images = files.path(names[0]);
    const std::string labels = files.path(names[1]);
    ImageSet set{read_images(images), read_labels(labels)};
    if (set.images.size(0) != set.labels.size(0))
      throw DataError(format("{} holds {} images, but {} holds {} labels; get both files again",
                             images, set.images.size(0), labels, set.labels.size(0)));
    return set;
  }

 private:
  IdxOptions options_;
};

}  // namespace

FormatRegistry::Entry idx_format() { return format_entry<Idx>(idx_options()); }

}  // namespace onecycle
