#include "core/format.h"
#include "data/files.h"
#include "data/formats.h"
#include "data/tensors.h"

#include <bit>
#include <cmath>
#include <cstring>

// IDX, the format of MNIST: two zero bytes, the element type, the number of dimensions, each
// dimension as a big-endian uint32, then the elements, big-endian, last dimension fastest
// (Y. LeCun, C. Cortes, C. Burges, "The MNIST database").
namespace onecycle {

namespace {

enum class IdxType : std::uint8_t { uint8 = 0x08, float32 = 0x0D, float64 = 0x0E };

struct IdxArray {
  IdxType type = IdxType::uint8;
  std::vector<std::int64_t> sizes;
  std::vector<std::uint8_t> bytes;
};

std::uint64_t element_bytes(IdxType type) {
  return type == IdxType::uint8 ? 1 : type == IdxType::float32 ? 4 : 8;
}

std::string sizes_text(const std::vector<std::int64_t>& sizes) {
  std::string text;
  for (const std::int64_t size : sizes) text += format("{}{}", text.empty() ? "" : "x", size);
  return text;
}

template <class T>
T big_endian(const std::uint8_t* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value << 8 | bytes[i]);
  return value;
}

// The header; the product of the sizes stays below 2^62 or the file is refused.
IdxArray read_header(ByteSource& source, std::uint64_t& payload) {
  const auto magic = source.read(4);
  if (magic.size() < 4)
    throw DataError(
        format("{}: truncated: {} bytes are too few for an IDX header; get the file "
               "again",
               source.path(), magic.size()));
  IdxArray array;
  array.type = static_cast<IdxType>(magic[2]);
  const bool known = array.type == IdxType::uint8 || array.type == IdxType::float32 ||
                     array.type == IdxType::float64;
  if (magic[0] != 0 || magic[1] != 0 || !known || magic[3] < 1 || magic[3] > 4)
    throw DataError(
        format("{}: not an IDX file of uint8, float32 or float64 in 1 to 4 dimensions: "
               "it starts with {:02x} {:02x} {:02x} {:02x}; check which file it is",
               source.path(), magic[0], magic[1], magic[2], magic[3]));
  const auto sizes = source.read(4u * magic[3]);
  if (sizes.size() < 4u * magic[3])
    throw DataError(
        format("{}: truncated within its IDX header; get the file again", source.path()));
  payload = element_bytes(array.type);
  bool too_large = false;
  for (std::size_t i = 0; i < magic[3]; ++i) {
    const auto size = big_endian<std::uint32_t>(sizes.data() + 4 * i);
    array.sizes.push_back(size);
    if (size != 0 && payload > (std::uint64_t{1} << 62) / size) too_large = true;
    payload *= size;
  }
  if (too_large || payload > source.most())
    throw DataError(
        format("{}: truncated: its header announces {} elements of {} bytes, more than "
               "the file can hold; get the file again",
               source.path(), sizes_text(array.sizes), element_bytes(array.type)));
  return array;
}

IdxArray read_idx(const std::string& path) {
  ByteSource source(path);
  std::uint64_t payload = 0;
  IdxArray array = read_header(source, payload);
  array.bytes = source.read(payload);
  if (array.bytes.size() < payload)
    throw DataError(
        format("{}: truncated: its header announces {} bytes ({}), it holds {}; get the "
               "file again",
               path, payload, sizes_text(array.sizes), array.bytes.size()));
  if (!source.read(1).empty())
    throw DataError(
        format("{}: oversized: it goes on after the {} bytes ({}) that its header "
               "announces; get the file again",
               path, payload, sizes_text(array.sizes)));
  return array;
}

// As float32; throws for values that are not finite, naming the first sample.
std::vector<float> read_floats(const IdxArray& array, const std::string& path) {
  const std::size_t width = element_bytes(array.type);
  std::vector<float> values(array.bytes.size() / width);
  const std::size_t sample_size = values.size() / static_cast<std::size_t>(array.sizes[0]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint8_t* bytes = array.bytes.data() + i * width;
    values[i] = array.type == IdxType::float32
                    ? std::bit_cast<float>(big_endian<std::uint32_t>(bytes))
                    : static_cast<float>(std::bit_cast<double>(big_endian<std::uint64_t>(bytes)));
    if (!std::isfinite(values[i]))
      throw DataError(
          format("{}: sample {} (counted from 0) holds {}; every pixel must be a finite "
                 "float32",
                 path, i / sample_size, std::isnan(values[i]) ? "NaN" : "an infinite value"));
  }
  return values;
}

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

at::Tensor read_labels(const std::string& path) {
  const IdxArray array = read_idx(path);
  if (array.sizes.size() != 1 || array.type != IdxType::uint8)
    throw DataError(
        format("{}: holds {} elements of {} bytes, not one uint8 label a sample; check "
               "which file it is",
               path, sizes_text(array.sizes), element_bytes(array.type)));
  return tensor_of(std::vector<std::int64_t>(array.bytes.begin(), array.bytes.end()), array.sizes);
}

struct IdxOptions {
  std::string train_images, train_labels, test_images, test_labels;
};

OptionTable<IdxOptions> idx_options() {
  OptionTable<IdxOptions> table("idx", "MNIST's format, plain or gzip: uint8 or float pixels");
  table.add("train_images", &IdxOptions::train_images, "file of the training images")
      .required()
      .add("train_labels", &IdxOptions::train_labels, "file of the training labels, uint8")
      .required()
      .add("test_images", &IdxOptions::test_images, "file of the test images")
      .required()
      .add("test_labels", &IdxOptions::test_labels, "file of the test labels, uint8")
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
