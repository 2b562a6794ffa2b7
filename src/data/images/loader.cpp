#include "onecycle/loader.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/images/crop_tables.h"
#include "data/images/mixup.h"
#include "data/images/resize.h"
#include "data/images/sampler.h"
#include "data/tensors.h"
#include "kernels/batch/gather.h"

#include <algorithm>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>

namespace onecycle {

namespace {

constexpr std::int64_t kPixelsPerTask = 1 << 15;  // fewer are not worth a thread

kernels::ScalarType element_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return kernels::ScalarType::f32;
    case at::kBFloat16:
      return kernels::ScalarType::bf16;
    case at::kHalf:
      return kernels::ScalarType::f16;
    case at::kDouble:
      return kernels::ScalarType::f64;
    default:
      throw Error(std::string("batches cannot be made in ") + c10::toString(type));
  }
}

template <class T>
at::Tensor on_device(std::vector<T> values, at::Device device) {
  const auto count = static_cast<std::int64_t>(values.size());
  const at::Tensor tensor = tensor_of(std::move(values), {count});
  // Pinned, so that the copy does not wait for the device.
  return device.is_cuda() ? tensor.pin_memory().to(device, /*non_blocking=*/true) : tensor;
}

// Puts new values where a recorded graph will read them.
template <class T>
void renew(at::Tensor& tensor, std::vector<T> values, at::Device device) {
  at::Tensor latest = on_device(std::move(values), device);
  if (tensor.defined()) {
    tensor.copy_(latest);
  } else {
    tensor = std::move(latest);
  }
}

// Of the images that the augmentation and the crop see.
ImageSides sides_of(const ImageSet& set, const LoaderOptions& options) {
  const ImageSides stored{set.images.size(2), set.images.size(3)};
  return options.resize > 0 ? resized_sides(stored, options.resize) : stored;
}

void check_set(const ImageSet& set, const LoaderOptions& options) {
  if (set.size() == 0) throw DataError("a part of the data set that the run uses has no samples");
  const ImageSides sides = sides_of(set, options);
  if (options.crop > sides.shorter())
    throw DataError(format("a crop of {0}x{0} is larger than the images", options.crop));
  if (options.batch_size < 1)
    throw FieldError("data.batch_size", format("must be at least 1, got {}", options.batch_size));
  const auto channels = static_cast<std::size_t>(set.images.size(1));
  const auto pixels = static_cast<std::size_t>(set.images[0].numel());
  if ((options.mean.size() != channels && options.mean.size() != pixels) ||
      options.std.size() != channels)
    throw DataError(format("mean and std have {} and {} values, the images {} channels",
                           options.mean.size(), options.std.size(), channels));
  if (options.resize > 0 && options.mean.size() != channels)
    throw DataError("a mean image does not go with images that are resized");
  const Augment& augment = options.augment;
  if (augment.pad_reflects && augment.pad_crop >= sides.shorter())
    throw FieldError("data.augment.pad_crop", format("{} reflected pixels need a larger image than "
                                                     "{}x{}",
                                                     augment.pad_crop, sides.height, sides.width));
  if (!augment.resized_crop && !augment.jitter.any() && !augment.values.any()) return;
  constexpr const char* kWhich = "random_resized_crop, colour_jitter and value_jitter";
  if (options.mean.size() != channels)
    throw DataError(format("{} do not go with a mean image", kWhich));
  if (channels != 1 && channels != 3)
    throw DataError(format("{} are for 1 or 3 channels, not {}", kWhich, channels));
}

}  // namespace

ImageSet ImageSet::part(std::int64_t first, std::int64_t count) const {
  ImageSet result{images, labels.narrow(0, first, count)};
  if (rows.defined()) {
    result.rows = rows.narrow(0, first, count).contiguous();
  } else {
    result.images = images.narrow(0, first, count);
  }
  return result;
}

Loader::Loader(const ImageSet& set, const LoaderOptions& options)
    : options_(options), num_samples_(set.size()), position_(options.device) {
  check_set(set, options_);
  element_of(options_.dtype);
  set_.images = set.images.contiguous().to(options_.device);
  if (set.labels.dim() == 1 && set.labels.scalar_type() == at::kLong) {
    set_.labels = set.labels.contiguous().to(options_.device);
  } else {
    targets_ = set.labels.to(options_.device);
    set_.labels = at::arange(num_samples_, at::TensorOptions(at::kLong).device(options_.device));
    set_targets();
  }
  const bool bytes = set_.images.scalar_type() == at::kByte && options_.resize == 0;
  const double white = bytes ? 255 : 1;
  std::vector<double> mean, inverse_std;
  for (const double value : options_.mean) mean.push_back(value * white);
  for (const double value : options_.std) inverse_std.push_back(1 / (value * white));
  mean_ = on_device(std::move(mean), options_.device);
  inverse_std_ = on_device(std::move(inverse_std), options_.device);
  if (set.rows.defined()) set_.rows = set.rows.to(options_.device);
  const ImageSides sides = sides_of(set_, options_);
  if (const auto& crop = options_.augment.resized_crop)
    crop_tables_.emplace(options_.device, crop_tables(*crop, sides.height, sides.width));
}

void Loader::set_format(const InputFormat& wanted) {
  if (wanted.device != options_.device)
    throw Error("pictures on " + options_.device.str() + " cannot be inputs on " +
                wanted.device.str());
  element_of(wanted.dtype);
  options_.dtype = wanted.dtype;
  options_.memory_format = wanted.memory_format;
  set_targets();
}

void Loader::set_targets() {
  if (!targets_.defined()) return;
  const at::ScalarType exact = options_.dtype == at::kDouble ? at::kDouble : at::kFloat;
  told_ = targets_.is_floating_point() ? targets_.to(exact) : targets_;
}

Batch Loader::with_targets(Batch batch) const {
  if (!told_.defined()) return batch;
  const auto of = [&](const at::Tensor& samples) {  // kIgnoredLabel is none
    return told_.index_select(0, samples.clamp_min(0));
  };
  batch.targets = of(batch.targets);
  if (batch.mix) batch.mix->targets = of(batch.mix->targets);
  return batch;
}

std::int64_t Loader::evaluation_batches() const {
  return (num_samples_ + options_.batch_size - 1) / options_.batch_size;
}

Batch Loader::train_batch(std::int64_t epoch, std::int64_t index) {
  if (index < 0 || index >= train_batches())
    throw Error(format("no training batch {} in an epoch of {}", index, train_batches()));
  return train_rows(epoch, index * options_.batch_size, options_.batch_size);
}

void Loader::prepare(std::int64_t epoch) {
  if (epoch_ == epoch) return;
  renew(order_, epoch_order(options_.seed, epoch, num_samples_, chosen_), options_.device);
  if (options_.augment.mixup > 0) {
    MixupChoices choices =
        mixup_choices(options_.seed, epoch, num_samples_, options_.augment.mixup);
    renew(partner_, std::move(choices.partner), options_.device);
    renew(mix_weight_, std::move(choices.weight), options_.device);
  }
  epoch_ = epoch;
}

void Loader::choose(const ChosenRows& chosen) {
  check_rows(chosen, num_samples_);
  chosen_ = chosen;
  epoch_.reset();
}

Batch Loader::train_rows(std::int64_t epoch, std::int64_t first, std::int64_t count) {
  if (first < 0 || count < 1 || first > num_samples_ || count > num_samples_ - first)
    throw Error(
        format("no {} samples from position {} in an epoch of {}", count, first, num_samples_));
  seek(epoch, first);
  return rows(0, count);
}

void Loader::seek(std::int64_t epoch, std::int64_t first) {
  prepare(epoch);
  position_.write({first, epoch});
}

Batch Loader::rows(std::int64_t offset, std::int64_t count) {
  kernels::Gather request;
  request.position = position_.data();
  request.offset = offset;
  request.batch = request.valid = count;
  request.seed = options_.seed;
  request.out_height = request.out_width = options_.crop;
  augment(request);
  Batch batch = with_targets(gather(request, set_, order_));
  for (const auto& other : options_.augment.others) batch.inputs = other->apply(batch.inputs);
  return batch;
}

void Loader::augment(kernels::Gather& request) const {
  const Augment& augment = options_.augment;
  request.pad_crop = static_cast<std::int32_t>(augment.pad_crop);
  request.pad_reflects = augment.pad_reflects;
  request.flip = augment.flip;
  request.flip_alternates = augment.flip_alternates;
  request.cutout = static_cast<std::int32_t>(augment.cutout);
  if (augment.resized_crop) {
    request.crop = crop_tables_->data();
    const ImageSides sides = sides_of(set_, options_);
    const auto box = fallback_box(*augment.resized_crop, sides.height, sides.width);
    std::copy(box.begin(), box.end(), request.fallback);
  }
  const double jitter[] = {augment.jitter.brightness, augment.jitter.contrast,
                           augment.jitter.saturation};
  for (int i = 0; i < 3; ++i) {
    const double low = std::max(0.0, 1 - jitter[i]);
    request.jitter_low[i] = static_cast<float>(low);
    request.jitter_span[i] = static_cast<float>(1 + jitter[i] - low);
  }
  request.value_shift = static_cast<float>(augment.values.shift);
  request.value_scale = static_cast<float>(augment.values.scale);
  if (augment.mixup > 0) {
    request.partner = partner_.const_data_ptr<std::int64_t>();
    request.mix_weight = mix_weight_.const_data_ptr<float>();
  }
}

Batch Loader::in_order(std::int64_t first, std::int64_t valid, std::int64_t count) {
  kernels::Gather request;
  request.offset = first;
  request.batch = count;
  request.valid = valid;
  request.out_height = request.out_width = options_.crop;
  return with_targets(gather(request, set_));
}

Batch Loader::chosen(const at::Tensor& samples) {
  kernels::Gather request;
  request.batch = request.valid = samples.size(0);
  request.out_height = request.out_width = options_.crop;
  return with_targets(gather(request, set_, samples.contiguous()));
}

Batch Loader::of_images(const at::Tensor& images, std::int64_t crop) const {
  const std::int64_t count = images.size(0);
  const ImageSet set{images, at::zeros({count}, set_.labels.options())};
  if (mean_.numel() != images.size(1)) check_set(set, options_);  // a mean image has its own size
  kernels::Gather request;
  request.batch = request.valid = count;
  request.out_height = request.out_width = crop;
  return gather(request, set);
}

Batch Loader::evaluation_batch(std::int64_t index) {
  if (index < 0 || index >= evaluation_batches())
    throw Error(format("no evaluation batch {} of {}", index, evaluation_batches()));
  const std::int64_t first = index * options_.batch_size;
  return in_order(first, std::min(options_.batch_size, num_samples_ - first), options_.batch_size);
}

ImageSet Loader::resized_samples(const kernels::Gather& request, const ImageSet& set,
                                 const at::Tensor& order) const {
  const auto numbers = at::TensorOptions(at::kLong).device(options_.device);
  at::Tensor samples = at::arange(request.offset, request.offset + request.valid, numbers);
  if (request.position != nullptr) samples.add_(position_.member(&kernels::GatherPosition::first));
  if (order.defined()) samples = order.index_select(0, samples);
  if (request.mixes()) samples = at::cat({samples, partner_.index_select(0, samples)});
  const at::Tensor stored = set.rows.defined() ? set.rows.index_select(0, samples) : samples;
  // A sample that is there twice has the same pixels in both places.
  const at::Tensor places = at::empty({set.size()}, numbers);
  places.scatter_(0, samples, at::arange(samples.size(0), numbers));
  return {resized(set.images.index_select(0, stored), options_.resize), set.labels, places};
}

Batch Loader::gather(kernels::Gather request, const ImageSet& from, const at::Tensor& order) const {
  const at::Device device = options_.device;
  const ImageSet set = options_.resize > 0 ? resized_samples(request, from, order) : from;
  if (order.defined()) request.order = order.const_data_ptr<std::int64_t>();
  request.channels = set.images.size(1);
  request.height = set.images.size(2);
  request.width = set.images.size(3);
  Batch batch;
  batch.valid = request.valid;
  batch.inputs = at::empty(
      {request.batch, request.channels, request.h(), request.w()},
      at::TensorOptions(options_.dtype).device(device).memory_format(options_.memory_format));
  batch.targets = at::empty({request.batch}, at::TensorOptions(at::kLong).device(device));
  if (request.mixes()) {
    Mix& mix = batch.mix.emplace();
    mix.targets = at::empty_like(batch.targets);
    mix.weight = at::empty({request.batch}, at::TensorOptions(at::kFloat).device(device));
    request.out_mix_labels = mix.targets.mutable_data_ptr<std::int64_t>();
    request.out_mix_weight = mix.weight.mutable_data_ptr<float>();
  }

  request.images = set.images.const_data_ptr();
  request.labels = set.labels.const_data_ptr<std::int64_t>();
  request.pixel =
      set.images.scalar_type() == at::kByte ? kernels::Pixel::uint8 : kernels::Pixel::float32;
  if (set.rows.defined()) request.rows = set.rows.const_data_ptr<std::int64_t>();
  request.mean_image = mean_.numel() != set.images.size(1);
  request.mean = mean_.const_data_ptr<double>();
  request.inverse_std = inverse_std_.const_data_ptr<double>();
  request.out = batch.inputs.mutable_data_ptr();
  request.out_labels = batch.targets.mutable_data_ptr<std::int64_t>();
  request.element = element_of(options_.dtype);
  request.channels_last = options_.memory_format == at::MemoryFormat::ChannelsLast;

  if (device.is_cuda()) {
    const c10::DeviceGuard guard(device);
    at::Tensor grey_sums;
    if (request.jitters(kernels::kContrast)) {
      grey_sums = at::zeros({2 * request.batch}, batch.targets.options());
      request.grey_sums = grey_sums.mutable_data_ptr<std::int64_t>();
    }
    kernels::gather_cuda(request, current_stream(set.images.device()));
    return batch;
  }
  const std::int64_t sample_size = request.channels * request.h() * request.w();
  at::parallel_for(
      0, request.batch, std::max<std::int64_t>(1, kPixelsPerTask / sample_size),
      [&](std::int64_t begin, std::int64_t end) { kernels::gather_cpu(request, begin, end); });
  return batch;
}

}  // namespace onecycle
