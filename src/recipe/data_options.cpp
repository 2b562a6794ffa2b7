#include "core/process/this_process.h"
#include "core/text/format.h"
#include "recipe/data_option_types.h"
#include "recipe/with_none.h"

#include <algorithm>

namespace onecycle {

// ---- batch_size --------------------------------------------------------------------------------

std::optional<BatchSize> OptionType<BatchSize>::read(const Value& value, std::string& why) {
  if (value.is_scalar() && !value.quoted) {
    if (value.text == "all") return BatchSize{0, true, false};
    if (value.text == "auto") return BatchSize{0, false, true};
    const auto count = integer_in(value);
    if (count && *count >= 1) return BatchSize{*count, false, false};
  }
  why = "a number of samples, at least 1, all or auto";
  return std::nullopt;
}

void OptionType<BatchSize>::write(const BatchSize& value, Value& to) {
  to = Value::scalar(value.automatic ? "auto" : value.all ? "all" : std::to_string(value.count));
}

// ---- The section -------------------------------------------------------------------------------

namespace {

using Violation = OptionTable<DataOptions>::Violation;

constexpr double kLargestSide = 4096;  // pixels

bool has(const DataOptions& options, const std::string& augmentation) {
  return std::any_of(options.augment.begin(), options.augment.end(),
                     [&](const Choice& part) { return part.name == augmentation; });
}

std::optional<Violation> check_source(const DataOptions& options) {
  const bool has_format = options.format.name != "none";
  if (options.name && has_format)
    return Violation{"format", "a data set has a name or a format of its own, not both"};
  if (!options.name && !has_format)
    return Violation{"name",
                     "is required: a data set of `" + program_name() + " data list`, or `format`"};
  return std::nullopt;
}

std::optional<Violation> check_normalisation(const DataOptions& options) {
  if (options.normalise == Normalise::caffe && options.resize)
    return Violation{"resize", "does not go with a mean image (normalise: caffe)"};
  if (options.mean.size() != options.std.size())
    return Violation{options.std.empty() ? "mean" : "std",
                     "mean and std go together, one value a channel each"};
  if (options.normalise != Normalise::automatic && !options.mean.empty())
    return Violation{"mean", format("normalise: {} uses no mean and std",
                                    options.normalise == Normalise::none ? "none" : "caffe")};
  if (options.normalise == Normalise::caffe &&
      (has(options, "random_resized_crop") || has(options, "colour_jitter") ||
       has(options, "value_jitter")))
    return Violation{"augment",
                     "random_resized_crop, colour_jitter and value_jitter do not go with a mean "
                     "image (normalise: caffe)"};
  return std::nullopt;
}

std::optional<Violation> check_crops(const DataOptions& options) {
  if (has(options, "pad_crop") && has(options, "random_resized_crop"))
    return Violation{"augment.random_resized_crop", "takes the place of pad_crop: use one of them"};
  return std::nullopt;
}

}  // namespace

OptionTable<DataOptions> data_options(const Variants& formats, const Variants& augmentations) {
  OptionTable<DataOptions> table("data", "The data set, its split, batches and augmentation.");
  table.add("name", &DataOptions::name, "data set: a file in datasets/, or a path to one like them")
      .add_choice("format", &DataOptions::format, with_none(formats, "as the data set `name` says"),
                  "in place of name: the format and files of a data set of your own")
      .add("dir", &DataOptions::dir,
           "folder of the files, searched instead of the data set's usual places")
      .add("batch_size", &DataOptions::batch_size,
           "samples a step and device; all = batch gradient descent, 1 = stochastic, auto = fitted "
           "to memory and speed, as fit-batch does")
      .unit("samples")
      .add("total_batch_size", &DataOptions::total_batch_size,
           "samples a step over all devices, whatever their number: they share it evenly, and the "
           "fewest equal passes of at most batch_size samples make it up (train.accumulate stays "
           "1); null = batch_size x devices x train.accumulate")
      .unit("samples")
      .range(between(1, 1e9))
      .add("validation", &DataOptions::validation,
           "held out of the training split, chosen independently of the seed; null = a tenth, at "
           "most 5000")
      .unit("samples")
      .range(at_least(0))
      .add("limit", &DataOptions::limit,
           "train on at most this many, chosen without a seed; null = on all")
      .unit("samples")
      .range(at_least(1))
      .add("classes", &DataOptions::classes,
           "keep only the samples of these classes, labelled in this order; empty = all")
      .add("resize", &DataOptions::resize,
           "the shorter side of the images, stored or as the format made them, is resized to it on "
           "the device, a batch at a time and before size and augment; bilinear, antialiased where "
           "it shrinks; null = not resized")
      .unit("pixels")
      .range(between(1, kLargestSide))
      .add("size", &DataOptions::size,
           "side of the square that the network sees of larger images: training takes what the "
           "augmentation crops, evaluation the centre; null = the whole image")
      .unit("pixels")
      .range(at_least(1))
      .add("normalise", &DataOptions::normalise,
           {{"auto", Normalise::automatic}, {"none", Normalise::none}, {"caffe", Normalise::caffe}},
           "auto: by the data set's mean and std, measured if it states none; none: pixels 0 to 1; "
           "caffe: pixels 0 to 255 minus the mean image of the samples trained on")
      .add("mean", &DataOptions::mean,
           "per channel, pixels scaled to 0..1; empty = as normalise says")
      .range(between(-kLargestDeviation, kLargestDeviation))
      .add("std", &DataOptions::std, "per channel, with mean")
      .range(between(kLeastDeviation, kLargestDeviation))
      .add("place", &DataOptions::place,
           {{"auto", DataPlace::automatic},
            {"device", DataPlace::device},
            {"host", DataPlace::host}},
           "where the pictures of a run on a GPU lie: auto: in its memory if they fit beside the "
           "training, else as host; host: in the host's memory, read over the bus as they are "
           "needed")
      .add_parts("augment", &DataOptions::augment, augmentations,
                 "what training batches undergo, in this order whatever the recipe's; a value that "
                 "is not a map is that of the first option: {pad_crop: 4, flip: true}")
      .rule(check_source)
      .rule(check_normalisation)
      .rule(check_crops);
  return table;
}

}  // namespace onecycle
