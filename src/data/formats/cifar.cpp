#include "core/text/format.h"
#include "data/byte_source.h"
#include "data/formats/archive.h"
#include "data/formats/cifar_batch.h"
#include "data/formats/entry.h"
#include "data/source_state.h"
#include "data/tensors.h"

namespace onecycle {

namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;  // no CIFAR file comes near

struct CifarOptions {
  std::vector<std::string> train, test;
  std::optional<std::string> archive;
  CifarLabels labels = CifarLabels::single;
};

OptionTable<CifarOptions> cifar_options(const char* name, const char* meaning) {
  OptionTable<CifarOptions> table(name, meaning);
  table.add("train", &CifarOptions::train, "files of the training split")
      .required()
      .add("test", &CifarOptions::test, "files of the test split")
      .required()
      .add("archive", &CifarOptions::archive,
           "tar archive that they are read from, without unpacking it, if they are not there "
           "themselves")
      .add("labels", &CifarOptions::labels,
           {{"single", CifarLabels::single},
            {"coarse", CifarLabels::coarse},
            {"fine", CifarLabels::fine}},
           "single: one label a record (CIFAR-10); coarse or fine: that one of two (CIFAR-100)");
  return table;
}

using AppendBatch = void(std::string_view, CifarLabels, const std::string&, CifarSamples&);

// `append` reads one file of the version at hand.
template <AppendBatch* append>
class Cifar : public DatasetFormat {
 public:
  explicit Cifar(CifarOptions options) : options_(std::move(options)) {}

  std::vector<std::string> files(Split split) const override {
    return split == Split::train ? options_.train : options_.test;
  }

  bool present(const DataFiles& where) const override {
    return DatasetFormat::present(where) || archive(where);
  }

  ImageSet read(Split split, const DataFiles& where) const override {
    CifarSamples samples;
    const auto names = files(split);
    if (!DatasetFormat::present(where) && archive(where)) {
      const auto members = read_members(*archive(where), names);
      for (std::size_t i = 0; i < members.size(); ++i)
        append_file(members[i], *archive(where) + ": " + names[i], samples);
    } else {
      for (const std::string& name : names) {
        const std::string path = where.path(name);
        append_file(ByteSource(path).read(kMaxBytes), path, samples);
      }
    }
    const auto num_samples = static_cast<std::int64_t>(samples.labels.size());
    return {tensor_of(std::move(samples.pixels), {num_samples, 3, 32, 32}),
            tensor_of(std::move(samples.labels), {num_samples})};
  }

  std::string state(const DataFiles& where) const override {
    if (!DatasetFormat::present(where) && archive(where)) return state_of({*archive(where)});
    return DatasetFormat::state(where);
  }

 private:
  std::optional<std::string> archive(const DataFiles& where) const {
    return options_.archive ? where.find(*options_.archive) : std::nullopt;
  }

  void append_file(const std::vector<std::uint8_t>& bytes, const std::string& name,
                   CifarSamples& samples) const {
    append({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, options_.labels, name,
           samples);
  }

  CifarOptions options_;
};

}  // namespace

FormatRegistry::Entry cifar_format() {
  return format_entry<Cifar<append_binary_batch>>(
      cifar_options("cifar", "the binary version of CIFAR-10 and CIFAR-100"));
}

FormatRegistry::Entry cifar_python_format() {
  return format_entry<Cifar<append_python_batch>>(
      cifar_options("cifar_python", "the Python version of CIFAR-10 and CIFAR-100"));
}

}  // namespace onecycle
