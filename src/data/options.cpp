#include "onecycle/datasets.h"

#include "core/format.h"
#include "core/number.h"
#include "data/option_types.h"

namespace onecycle {

std::int64_t BatchSize::of(std::int64_t num_train) const {
  if (all) return num_train;
  if (automatic)
    throw DataError(
        "data.batch_size: auto is fitted by train, range-test and tune; here name a number "
        "(onecycle fit-batch RECIPE --write FILE finds one)");
  if (count > num_train)
    throw DataError(
        format("data.batch_size: {} is more than the {} samples of the training part; "
               "use at most {}, or all",
               count, num_train, num_train));
  return count;
}

// ---- batch_size --------------------------------------------------------------------------------

std::optional<BatchSize> OptionType<BatchSize>::read(const Value& value, std::string& why) {
  if (value.is_scalar() && !value.quoted) {
    if (value.text == "all") return BatchSize{0, true, false};
    if (value.text == "auto") return BatchSize{0, false, true};
    const auto count = parse_integer(value.text);
    if (count && *count >= 1) return BatchSize{*count, false, false};
  }
  why = "a number of samples, at least 1, all or auto";
  return std::nullopt;
}

Value OptionType<BatchSize>::write(const BatchSize& value) {
  if (value.automatic) return Value::scalar("auto");
  return Value::scalar(value.all ? "all" : std::to_string(value.count));
}

// ---- The section -------------------------------------------------------------------------------

namespace {

using Violation = OptionTable<DataOptions>::Violation;

std::optional<Violation> check_source(const DataOptions& options) {
  const bool has_format = options.format.name != "none";
  if (options.name && has_format)
    return Violation{"format", "a data set has a name or a format of its own, not both"};
  if (!options.name && !has_format)
    return Violation{"name", "is required: a data set of `onecycle data list`, or `format`"};
  return std::nullopt;
}

std::optional<Violation> check_normalisation(const DataOptions& options) {
  if (options.mean.size() != options.std.size())
    return Violation{options.std.empty() ? "mean" : "std",
                     "mean and std go together, one value a channel each"};
  if (options.normalise != Normalise::automatic && !options.mean.empty())
    return Violation{"mean", format("normalise: {} uses no mean and std",
                                    options.normalise == Normalise::none ? "none" : "caffe")};
  if (options.normalise == Normalise::caffe &&
      (options.augment.resized_crop || options.augment.jitter.any()))
    return Violation{"augment",
                     "random_resized_crop and colour_jitter go with no mean image (normalise: "
                     "caffe)"};
  return std::nullopt;
}

struct NoOptions {};

Variants with_none(Variants variants) {
  variants.insert(variants.begin(),
                  OptionTable<NoOptions>("none", "as the data set `name` says").variant());
  return variants;
}

}  // namespace

OptionTable<DataOptions> data_options(const Variants& formats) {
  OptionTable<DataOptions> table("data", "The data set, its split, batches and augmentation.");
  table.add("name", &DataOptions::name, "data set: a file in datasets/, or a path to one like them")
      .add_choice("format", &DataOptions::format, with_none(formats),
                  "in place of name: the format and files of a data set of one's own")
      .add("dir", &DataOptions::dir,
           "folder of the files, searched instead of the data set's usual places")
      .add("batch_size", &DataOptions::batch_size,
           "samples a step and device; all = batch gradient descent, 1 = stochastic, auto = fitted "
           "to memory and speed, as fit-batch does")
      .unit("samples")
      .add("validation", &DataOptions::validation,
           "held out of the training split by a choice that depends on no seed; null = a tenth, at "
           "most 5000")
      .unit("samples")
      .range(at_least(0))
      .add("limit", &DataOptions::limit,
           "train on at most this many, chosen without a seed; null = on all")
      .unit("samples")
      .range(at_least(1))
      .add("classes", &DataOptions::classes,
           "keep the samples of these classes alone, labelled in this order; empty = all")
      .add("size", &DataOptions::size,
           "side of the square that the network sees of larger images: training takes what the "
           "augmentation crops, evaluation the centre; null = the whole image")
      .unit("pixels")
      .range(at_least(1))
      .add("normalise", &DataOptions::normalise,
           "auto: by the data set's mean and std, measured where it states none; none: pixels 0 to "
           "1; caffe: pixels 0 to 255 minus the mean image of the samples trained on")
      .add("mean", &DataOptions::mean,
           "per channel, pixels scaled to 0..1; empty = as normalise says")
      .range(between(-kLargestDeviation, kLargestDeviation))
      .add("std", &DataOptions::std, "per channel, beside mean")
      .range(between(kLeastDeviation, kLargestDeviation))
      .add(
          "augment", &DataOptions::augment,
          "of training batches, in the order crop, flip, colour_jitter, cutout, mixup. "
          "random_resized_crop: a random part, by default of .08 to 1 of the area and width / "
          "height of 3/4 to 4/3, brought to data.size. colour_jitter: factors from 1 - x to 1 + x. "
          "mixup's alpha, above 0, is that of Beta(alpha, alpha), from which each sample's share "
          "of its mixture is drawn")
      .rule(check_source)
      .rule(check_normalisation);
  return table;
}

}  // namespace onecycle
