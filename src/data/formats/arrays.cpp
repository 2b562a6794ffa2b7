#include "core/text/format.h"
#include "core/text/printable.h"
#include "data/arrays/array_file.h"
#include "data/arrays/array_samples.h"
#include "data/arrays/standardise.h"
#include "data/files.h"
#include "data/formats/entry.h"

#include <algorithm>
#include <set>
#include <utility>

#include <ATen/core/Tensor.h>

namespace onecycle {

namespace {

struct ArraysOptions {
  std::string train;
  std::optional<std::string> train_targets;
  std::optional<std::string> test;
  std::optional<std::string> test_targets;
  std::vector<std::string> inputs = kInputNames;
  std::vector<std::string> targets = {"targets", "y", "Y", "labels", "target"};
  std::vector<std::string> names;
  ChannelOrder channels = ChannelOrder::automatic;
  bool standardise = true;
};

OptionTable<ArraysOptions> arrays_options() {
  using O = ArraysOptions;
  OptionTable<O> table("arrays", "arrays of numpy or safetensors files, of any shape");
  table
      .add("train", &O::train,
           "file of the training split in data.dir: .npz or safetensors, or .npy of its inputs")
      .required()
      .add("train_targets", &O::train_targets,
           "file of its targets, .npy; null = they are in `train`")
      .add("test", &O::test,
           "the same of the test split; null = none. One file may hold both splits: its arrays are "
           "then x_test or test_x, where `inputs` has x")
      .add("test_targets", &O::test_targets, "file of the test split's targets")
      .add("inputs", &O::inputs,
           "names that the array of inputs may have, in .npz and safetensors, also with _train, "
           "_test, train_ or test_")
      .add("targets", &O::targets, "the same of the targets")
      .add("names", &O::names, "of the classes, labels or values; empty = numbers from 0")
      .add(
          "channels", &O::channels,
          {{"auto", ChannelOrder::automatic},
           {"first", ChannelOrder::first},
           {"last", ChannelOrder::last}},
          "where the channels of pictures are: first: [N,C,H,W]; last: [N,H,W,C]; auto: last where "
          "the last length is 1, 3 or 4 and the second is none of them")
      .add("standardise", &O::standardise,
           "each number of inputs that are no pictures by its mean and standard deviation over the "
           "training part; where a sample has more than 100,000, all by those of all numbers")
      .rule([](const O& options) -> std::optional<OptionTable<O>::Violation> {
        using V = OptionTable<O>::Violation;
        if (options.inputs.empty()) return V{"inputs", "names no array"};
        if (options.targets.empty()) return V{"targets", "names no array"};
        if (options.test_targets && !options.test)
          return V{"test_targets", "needs the inputs, `test`"};
        const std::set<std::string> names(options.names.begin(), options.names.end());
        if (names.size() != options.names.size()) return V{"names", "has a name twice"};
        return std::nullopt;
      });
  return table;
}

// The array of the split that has one of the names, alone where `shared`: the file has those of
// both splits.
Array array_named(const ArrayFile& file, const std::vector<std::string>& names,
                  const std::string& split, bool shared, const char* what) {
  const std::vector<std::string> held = file.names();
  const auto those = [&](const std::vector<std::string>& wanted) {
    std::vector<std::string> found;
    for (const std::string& name : wanted)
      if (std::find(held.begin(), held.end(), name) != held.end()) found.push_back(name);
    return found;
  };
  std::vector<std::string> of_split;
  for (const std::string& name : names)
    of_split.insert(of_split.end(), {name + "_" + split, split + "_" + name});
  std::vector<std::string> found = those(of_split);
  if (found.empty() && !shared) found = those(names);
  if (found.size() == 1) return file.array(found.front());
  if (found.empty())
    throw DataError(
        format("{}: has no array of the {} of the {} split ({}), but {}; name it in "
               "`{}`",
               file.path(), what, split, joined(shared ? of_split : names),
               held.empty() ? "none" : printable(joined(held), 200), what));
  throw DataError(format("{}: any of its arrays {} may be the {} of the {} split; name one in `{}`",
                         file.path(), joined(found), what, split, what));
}

class Arrays : public SplitFiles {
 public:
  explicit Arrays(ArraysOptions options)
      : SplitFiles(options.train, options.test), options_(std::move(options)) {}

  std::vector<std::string> files(Split split) const override {
    std::vector<std::string> files = SplitFiles::files(split);
    if (const auto& targets =
            split == Split::train ? options_.train_targets : options_.test_targets)
      files.push_back(*targets);
    return files;
  }

  std::vector<std::string> classes(const DataFiles&) const override { return options_.names; }

  std::optional<RawSamples> read_raw(const DataFiles& files) const override {
    const Part train = part(Split::train, files);
    RawSamples raw;
    raw.kind = array_target_kind(train.targets, files.targets);
    raw.train = samples(train, raw.kind);
    if (raw.kind != TargetKind::classes) raw.names = names_of(train.targets, raw.train.labels);
    if (options_.test) {
      const Part test = part(Split::test, files);
      raw.test = samples(test, raw.kind);
      check_same(train, raw.train, test, raw.test);
      if (raw.train.images.scalar_type() != raw.test.images.scalar_type())
        for (ImageSet* set : {&raw.train, &raw.test}) set->images = set->images.to(at::kDouble);
    }
    if (raw.train.images.dim() != 4)
      raw.encode = [standardise = options_.standardise, place = train.inputs.place](DataSet& data) {
        if (standardise) {
          ChannelStatistics found = number_statistics(data.train.images, place);
          data.mean = std::move(found.mean);
          data.std = std::move(found.std);
        }
        for (const auto& [name, set] :
             {std::pair("training", &data.train), std::pair("validation", &data.validation),
              std::pair("test", &data.test)})
          set->images = standardised(set->images, data.mean, data.std,
                                     format("{}: the {} part", data.name, name));
      };
    return raw;
  }

 private:
  struct Part {
    Array inputs, targets;
  };

  Part part(Split split, const DataFiles& files) const {
    const auto paths = this->files(split);
    const std::string name = split == Split::train ? "train" : "test";
    const ArrayFile first(files.path(paths[0], file_names()));
    const bool shared = is_shared(split, first, options_.train, files);
    const Array inputs = first.is_single()
                             ? first.array("")
                             : array_named(first, options_.inputs, name, shared, "inputs");
    if (paths.size() == 2) {
      const ArrayFile second(files.path(paths[1], file_names()));
      const bool both =
          is_shared(split, second, options_.train_targets.value_or(options_.train), files);
      return {inputs, second.is_single()
                          ? second.array("")
                          : array_named(second, options_.targets, name, both, "targets")};
    }
    if (first.is_single())
      throw DataError(
          format("{}: an .npy file holds one array, taken as the inputs; name the file "
                 "of the targets as `{}_targets`",
                 first.path(), name));
    return {inputs, array_named(first, options_.targets, name, shared, "targets")};
  }

  // Whether the file is that of the training split, too, whose name is `train`.
  bool is_shared(Split split, const ArrayFile& file, const std::string& train,
                 const DataFiles& files) const {
    if (split == Split::train || !is_same_file(files.path(train, file_names()), file.path()))
      return false;
    if (file.is_single())
      throw DataError(file.path() + ": an .npy file holds one array, so it cannot be both splits");
    return true;
  }

  ImageSet samples(const Part& part, TargetKind kind) const {
    ImageSet set{array_inputs(part.inputs, options_.channels), array_targets(part.targets, kind)};
    if (set.images.size(0) != set.labels.size(0))
      throw DataError(
          format("{} has {} samples, but {} has targets of {}; check which arrays they "
                 "are",
                 part.inputs.place, set.images.size(0), part.targets.place, set.labels.size(0)));
    return set;
  }

  std::vector<std::string> names_of(const Array& targets, const at::Tensor& columns) const {
    const auto width = static_cast<std::size_t>(columns.size(1));
    if (!options_.names.empty() && options_.names.size() != width)
      throw DataError(format("{}: a sample has {} targets, but `names` has {}; give each a name",
                             targets.place, width, options_.names.size()));
    std::vector<std::string> names = options_.names;
    for (std::size_t i = names.size(); i < width; ++i) names.push_back(std::to_string(i));
    return names;
  }

  static void check_same(const Part& train, const ImageSet& training, const Part& test,
                         const ImageSet& tested) {
    const bool pictures = training.images.dim() == 4;
    if (training.images.sizes().slice(1) != tested.images.sizes().slice(1) ||
        (pictures && training.images.scalar_type() != tested.images.scalar_type()))
      throw DataError(
          format("{} is {}, but {} is {}; samples of both splits must have one shape "
                 "and, as pictures, one type",
                 train.inputs.place, array_text(train.inputs), test.inputs.place,
                 array_text(test.inputs)));
    if (training.labels.dim() == 2 && training.labels.size(1) != tested.labels.size(1))
      throw DataError(
          format("{} is {}, but {} is {}; samples of both splits must have the same "
                 "targets",
                 train.targets.place, array_text(train.targets), test.targets.place,
                 array_text(test.targets)));
  }

  ArraysOptions options_;
};

}  // namespace

FormatRegistry::Entry arrays_format() { return format_entry<Arrays>(arrays_options()); }

}  // namespace onecycle
