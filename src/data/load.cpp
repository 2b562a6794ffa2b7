#include "onecycle/datasets.h"
#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/printable.h"
#include "core/text/utf8.h"
#include "data/files.h"
#include "data/formats/packed.h"
#include "data/images/classes.h"
#include "data/images/resize.h"
#include "data/images/sampler.h"
#include "data/target_statistics.h"
#include "data/tensors.h"

#include <algorithm>

namespace onecycle {

namespace {

constexpr std::int64_t kMostValidation = 5000;               // by default
constexpr std::int64_t kMostCopied = std::int64_t{1} << 28;  // bytes
constexpr std::int64_t kMostNumbered = 65536;                // classes, where nothing names them
constexpr std::uint64_t kSplitSeed = 0;  // the run's seed must not move samples between parts

std::string split_name(Split split) { return split == Split::train ? "training" : "test"; }

// "fashion-mnist, training split (a.gz, b.gz)"
std::string place(const DatasetDescriptor& descriptor, Split split, const DatasetFormat& made) {
  const std::string names = joined(made.files(split));
  return format("{}, {} split{}", descriptor.name, split_name(split),
                names.empty() ? "" : " (" + names + ")");
}

ImageSet read_split(const DatasetDescriptor& descriptor, Split split, const DatasetFormat& made,
                    const DataFiles& files) {
  ImageSet set = made.read(split, files);
  if (set.size() == 0)
    throw DataError(format("{}: has no samples; check its files", place(descriptor, split, made)));
  return set;
}

void check_labels(const ImageSet& set, std::int64_t num_classes, const std::string& where) {
  if (set.size() == 0) return;
  const auto* labels = set.labels.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < set.size(); ++i)
    if (labels[i] < 0 || labels[i] >= num_classes)
      throw DataError(
          format("{}: sample {} (counted from 0) has label {}, outside the {} classes 0 to "
                 "{}; check the files and `classes`",
                 where, i, labels[i], num_classes, num_classes - 1));
}

std::string shape_text(const at::Tensor& images) {
  return format("{} {}", images.scalar_type() == at::kByte ? "uint8" : "float32",
                joined(images.sizes().slice(1).vec(), "x"));
}

ImageSet selected(const ImageSet& set, std::vector<std::int64_t> samples) {
  std::sort(samples.begin(), samples.end());
  const auto count = static_cast<std::int64_t>(samples.size());
  const at::Tensor index = tensor_of(std::move(samples), {count});
  return {set.images.index_select(0, index), set.labels.index_select(0, index)};
}

struct Parts {
  std::int64_t validation;
  std::int64_t train;
};

Parts plan_parts(const DataOptions& options, std::int64_t n) {
  const std::int64_t held_out = options.validation.value_or(std::min(kMostValidation, n / 10));
  if (held_out >= n)
    throw FieldError("data.validation", format("{} samples held out leave none of the {} in the "
                                               "training split to train on; use fewer",
                                               held_out, n));
  return {held_out, std::min(n - held_out, options.limit.value_or(n))};
}

// Divides the training split. The first of one fixed order are held out, the next trained on, so
// that `limit` never changes the validation part. A large split is not copied for the training
// part, which then has rows.
void split_training(ImageSet whole, const DataOptions& options, DataSet& data) {
  const std::int64_t n = whole.size();
  const auto [held_out, num_train] = plan_parts(options, n);
  if (num_train == n) {
    data.train = std::move(whole);
    data.validation = {data.train.images.narrow(0, 0, 0), data.train.labels.narrow(0, 0, 0)};
    return;
  }
  const auto order = shuffled(kSplitSeed, RandomUse::split, 0, n);
  const auto boundary = order.begin() + held_out;
  data.validation = selected(whole, {order.begin(), boundary});
  std::vector<std::int64_t> trained_on(boundary, boundary + num_train);
  if (static_cast<std::int64_t>(whole.images.nbytes()) <= kMostCopied) {
    data.train = selected(whole, std::move(trained_on));
    return;
  }
  std::sort(trained_on.begin(), trained_on.end());
  data.train.rows = tensor_of(std::move(trained_on), {num_train});
  data.train.labels = whole.labels.index_select(0, data.train.rows);
  data.train.images = std::move(whole.images);
}

void check_channels(const std::vector<double>& given, const char* name, std::int64_t channels) {
  if (static_cast<std::int64_t>(given.size()) != channels)
    throw FieldError(name,
                     format("{} values, but the images have {} channels; give one per channel",
                            given.size(), channels));
}

ChannelStatistics measured_statistics(const ImageSet& train, const LoadWatch& watch) {
  const bool takes_long = watch.progress && train.rows.defined();  // larger than kMostCopied
  const auto tell = [&](std::int64_t done) {
    if (takes_long) watch.progress("measuring mean and std", done, train.size());
  };
  tell(0);
  ChannelStatistics measured = channel_statistics(train.images, train.rows);
  tell(train.size());
  return measured;
}

void set_normalisation(const DataOptions& options, const DatasetDescriptor& descriptor,
                       const LoadWatch& watch, DataSet& data) {
  const auto channels = static_cast<std::size_t>(data.channels());
  if (options.normalise == Normalise::none) {
    data.mean.assign(channels, 0);
    data.std.assign(channels, 1);
  } else if (options.normalise == Normalise::caffe) {
    data.mean = mean_image(data.train.images, data.train.rows);
    data.std.assign(channels, 1.0 / 255);
  } else if (!options.mean.empty()) {
    data.mean = options.mean;
    data.std = options.std;
    check_channels(data.mean, "data.mean", data.channels());
  } else if (!descriptor.mean.empty()) {
    data.mean = descriptor.mean;
    data.std = descriptor.std;
    check_channels(data.mean, "mean of the data set's descriptor", data.channels());
  } else {
    ChannelStatistics measured = measured_statistics(data.train, watch);
    data.mean = std::move(measured.mean);
    data.std = std::move(measured.std);
    // A channel of one colour has nothing to scale.
    for (double& std : data.std)
      if (!(std >= kLeastDeviation)) std = 1;
  }
}

ImageSet of_classes(const ImageSet& set, const std::vector<std::int64_t>& labels,
                    const char* split) {
  if (set.size() == 0) return set;
  ImageSet kept = relabelled(set, labels);
  if (kept.size() == 0)
    throw FieldError("data.classes", format("the {} split has no sample of these classes", split));
  return kept;
}

void set_sides(const DataOptions& options, DataSet& data) {
  const ImageSides stored{data.train.images.size(2), data.train.images.size(3)};
  if (options.resize && *options.resize != stored.shorter()) data.resize = *options.resize;
  if (!options.size) return;
  const ImageSides sides{data.height(), data.width()};
  if (*options.size > sides.shorter())
    throw FieldError("data.size",
                     format("{} is more than the {}x{} pixels of the images; use less, or "
                            "make them larger ({})",
                            *options.size, sides.height, sides.width,
                            options.resize ? "data.resize" : "format.size, data.resize"));
  data.crop = *options.size;
}

// As many as the labels need: more than there are samples, or than any set has, are damage.
std::vector<std::string> numbered_classes(const ImageSet& train, const std::string& where) {
  check_labels(train, std::max(kMostNumbered, train.size()), where);
  const std::int64_t count = train.labels.max().item<std::int64_t>() + 1;
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

void check_names(const std::vector<std::string>& names, TargetKind kind, const std::string& data) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (const char* why = why_no_name(names[i]))
      throw DataError(format("{}: name {} (counted from 0) of its {}, '{}', {}; rename it", data, i,
                             name_of(kind), printable(names[i]), why));
}

// The names of the classes, as the descriptor has them, else the files, else numbers; checks the
// labels.
void name_classes(RawSamples& both, const DatasetDescriptor& descriptor, const DatasetFormat& made,
                  const DataFiles& files) {
  both.names = descriptor.classes;
  if (both.names.empty()) both.names = made.classes(files);
  if (both.names.empty())
    both.names = numbered_classes(both.train, place(descriptor, Split::train, made));
  const auto num_classes = static_cast<std::int64_t>(both.names.size());
  check_labels(both.train, num_classes, place(descriptor, Split::train, made));
  check_labels(both.test, num_classes, place(descriptor, Split::test, made));
}

// Pictures, or what else read() has, with labels that are classes.
RawSamples read_classes(const DatasetDescriptor& descriptor, const DatasetFormat& made,
                        const DataFiles& files) {
  RawSamples both;
  both.train = read_split(descriptor, Split::train, made, files);
  if (made.has_test(files)) both.test = read_split(descriptor, Split::test, made, files);
  return both;
}

// Of files that name their classes, or have none; those of pictures do not say mean and std.
void refuse_stated(const DatasetDescriptor& descriptor, const RawSamples& raw) {
  const bool pictures = raw.train.images.dim() == 4;
  if (!descriptor.classes.empty() && (raw.kind != TargetKind::classes || !raw.names.empty()))
    throw DataError(
        format("{}: its files say what the classes are; leave `classes` out of its descriptor",
               descriptor.name));
  if (!pictures && !descriptor.mean.empty())
    throw DataError(
        format("{}: mean and std of its files are measured; leave them out of its descriptor",
               descriptor.name));
}

RawSamples read_both(const DatasetDescriptor& descriptor, const DatasetFormat& made,
                     const DataFiles& files) {
  std::optional<RawSamples> raw = made.read_raw(files);
  if (raw) refuse_stated(descriptor, *raw);
  RawSamples both = raw ? *std::move(raw) : read_classes(descriptor, made, files);
  if (!both.test.images.defined())
    both.test = {both.train.images.narrow(0, 0, 0), both.train.labels.narrow(0, 0, 0)};
  if (both.train.images.sizes().slice(1) != both.test.images.sizes().slice(1) ||
      both.train.images.scalar_type() != both.test.images.scalar_type())
    throw DataError(
        format("{}: the training images are {}, the test images {}; check which files they are",
               descriptor.name, shape_text(both.train.images), shape_text(both.test.images)));
  if (both.kind == TargetKind::classes && both.names.empty())
    name_classes(both, descriptor, made, files);
  return both;
}

void refuse_picture_options(const DataOptions& options) {
  const auto refuse = [](const char* field) {
    throw FieldError(field, "is for pictures, and the samples are none; leave it out");
  };
  if (!options.augment.empty()) refuse("data.augment");
  if (options.resize) refuse("data.resize");
  if (options.size) refuse("data.size");
  if (!options.mean.empty()) refuse("data.mean");
  if (options.normalise != Normalise::automatic) refuse("data.normalise");
}

void encode(const RawSamples& raw, DataSet& data) {
  if (data.train.rows.defined())
    data.train = {data.train.images.index_select(0, data.train.rows), data.train.labels};
  raw.encode(data);
}

}  // namespace

DataForm find_form(const DatasetDescriptor& descriptor, const DataFiles& files,
                   const FormatRegistry& formats) {
  const auto make = [&](const Choice& choice) { return DataForm{choice, formats.make(choice)}; };
  DataForm first = make(descriptor.format);
  if (descriptor.others.empty() || first.made->present(files)) return first;
  for (const OtherForm& other : descriptor.others) {
    DataForm form = make(other.format);
    if (form.made->present(files)) return form;
  }
  return first;
}

std::optional<std::int64_t> planned_train_samples(const DataOptions& options,
                                                  const DatasetDescriptor& descriptor,
                                                  const FormatRegistry& formats) {
  if (!options.classes.empty()) return std::nullopt;
  auto whole = descriptor.train_samples;
  if (!whole) whole = formats.make(descriptor.format)->train_samples();
  if (!whole) return std::nullopt;
  return plan_parts(options, *whole).train;
}

DataSet load_data(const DataOptions& options, const DatasetDescriptor& descriptor,
                  const FormatRegistry& formats, const LoadWatch& watch,
                  std::optional<TargetKind> targets) {
  DataFiles files = data_files(options, descriptor);
  files.watch = watch;
  files.targets = targets;
  auto [choice, made] = find_form(descriptor, files, formats);
  if (auto packed = packed_form(descriptor, choice, *made, files)) made = std::move(packed);
  RawSamples both = read_both(descriptor, *made, files);
  if (descriptor.train_samples && both.train.size() != *descriptor.train_samples)
    throw DataError(format("{}: {} samples, but the data set has {}; get the files again",
                           place(descriptor, Split::train, *made), both.train.size(),
                           *descriptor.train_samples));
  check_names(both.names, both.kind, descriptor.name);

  DataSet data;
  data.name = descriptor.name;
  data.target_kind = both.kind;
  (both.kind == TargetKind::values ? data.targets.names : data.classes) = both.names;
  if (!options.classes.empty()) {
    if (both.kind != TargetKind::classes)
      throw FieldError("data.classes",
                       format("the targets are {}, not classes; leave it out", name_of(both.kind)));
    const auto labels = chosen_labels(options.classes, data.classes);
    data.classes = options.classes;
    both.train = of_classes(both.train, labels, "training");
    both.test = of_classes(both.test, labels, "test");
  }
  if (data.classes.size() == 1 && both.kind == TargetKind::classes && watch.warn)
    watch.warn(
        format("{} has one class alone, '{}': there is nothing to tell apart, and every "
               "answer is right; check the labels and data.classes",
               data.name, data.classes.front()));
  data.test = std::move(both.test);
  split_training(std::move(both.train), options, data);
  if (!data.is_pictures()) refuse_picture_options(options);
  if (both.encode) encode(both, data);
  measure_targets(data);
  if (!data.is_pictures()) return data;
  set_sides(options, data);
  set_normalisation(options, descriptor, watch, data);
  return data;
}

std::int64_t BatchSize::of(std::int64_t num_train) const {
  if (all) return num_train;
  if (automatic)
    throw FieldError("data.batch_size",
                     "auto is fitted by train, range-test and tune; give a number here (onecycle "
                     "fit-batch RECIPE --write FILE finds one)");
  if (count > num_train)
    throw FieldError("data.batch_size",
                     format("{} is more than the {} samples of the training part; "
                            "use at most {}, or all",
                            count, num_train, num_train));
  return count;
}

}  // namespace onecycle
