#include "core/format.h"
#include "data/files.h"
#include "data/formats.h"
#include "data/tensors.h"

// CIFAR's binary version: records of one label byte (CIFAR-100: the coarse, then the fine one) and
// 3072 pixel bytes, the red, green and blue planes of 32 x 32 (A. Krizhevsky, "Learning multiple
// layers of features from tiny images", 2009).
namespace onecycle {

enum class CifarLabels { single, coarse, fine };

template <>
struct EnumNames<CifarLabels> {
  static std::vector<std::pair<std::string, CifarLabels>> values() {
    return {{"single", CifarLabels::single},
            {"coarse", CifarLabels::coarse},
            {"fine", CifarLabels::fine}};
  }
};
template <>
struct OptionType<CifarLabels> : EnumOption<CifarLabels> {};

namespace {

constexpr std::size_t kPixels = 3 * 32 * 32;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 33;  // no CIFAR file comes near

struct CifarOptions {
  std::vector<std::string> train, test;
  CifarLabels labels = CifarLabels::single;
};

OptionTable<CifarOptions> cifar_options() {
  OptionTable<CifarOptions> table("cifar", "the binary version of CIFAR-10 and CIFAR-100");
  table.add("train", &CifarOptions::train, "files of the training split")
      .required()
      .add("test", &CifarOptions::test, "files of the test split")
      .required()
      .add("labels", &CifarOptions::labels,
           "single: one label byte a record (CIFAR-10); coarse or fine: that one of two "
           "(CIFAR-100)");
  return table;
}

class Cifar : public DatasetFormat {
 public:
  explicit Cifar(CifarOptions options) : options_(std::move(options)) {}

  std::vector<std::string> files(Split split) const override {
    return split == Split::train ? options_.train : options_.test;
  }

  ImageSet read(Split split, const DataFiles& files) const override {
    std::vector<std::uint8_t> pixels;
    std::vector<std::int64_t> labels;
    for (const std::string& file : this->files(split)) append(files.path(file), pixels, labels);
    const auto num_samples = static_cast<std::int64_t>(labels.size());
    return {tensor_of(std::move(pixels), {num_samples, 3, 32, 32}),
            tensor_of(std::move(labels), {num_samples})};
  }

 private:
  void append(const std::string& path, std::vector<std::uint8_t>& pixels,
              std::vector<std::int64_t>& labels) const {
    const std::size_t label_bytes = options_.labels == CifarLabels::single ? 1 : 2;
    const std::size_t record = label_bytes + kPixels;
    const auto bytes = ByteSource(path).read(kMaxBytes);
    if (bytes.empty()) throw DataError(format("{}: empty; get the file again", path));
    if (bytes.size() % record != 0)
      throw DataError(
          format("{}: {} bytes are {} records of {} bytes and {} bytes more: truncated, "
                 "oversized or not CIFAR's binary version; get the file again",
                 path, bytes.size(), bytes.size() / record, record, bytes.size() % record));
    const std::size_t label_at = options_.labels == CifarLabels::fine ? 1 : 0;
    for (std::size_t at = 0; at < bytes.size(); at += record) {
      labels.push_back(bytes[at + label_at]);
      const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at + label_bytes);
      pixels.insert(pixels.end(), first, first + kPixels);
    }
  }

  CifarOptions options_;
};

}  // namespace

FormatRegistry::Entry cifar_format() { return format_entry<Cifar>(cifar_options()); }

}  // namespace onecycle
