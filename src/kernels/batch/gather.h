#pragma once

// Gather, augment, normalise and cast a batch in one pass. Raw pointers only, C++17: the same
// header serves the CPU twin and nvcc.

#include "core/rng.h"
#include "kernels/scalar_type.h"

#include <cstdint>

namespace onecycle::kernels {

enum class Pixel { uint8, float32 };

// Places in the arrays of jitter.
enum Jitter { kBrightness, kContrast, kSaturation };

// Choices of a random part of the image in units of 1/65536, so that every device makes the same
// boxes: the square root of its area in pixels, that of width / height, and the latter's inverse,
// at 1024 equally likely steps each.
constexpr std::int64_t kCropSteps = 1024;
struct CropTables {
  std::int64_t side[kCropSteps];
  std::int64_t aspect[kCropSteps];
  std::int64_t inverse[kCropSteps];
};

struct GatherPosition {
  std::int64_t first = 0;
  std::int64_t epoch = 0;
};

struct Gather {
  // Source, all on the device that the kernel runs on. Samples are [C,H,W], contiguous.
  const void* images = nullptr;
  const std::int64_t* labels = nullptr;
  Pixel pixel = Pixel::uint8;
  std::int64_t channels = 1;
  std::int64_t height = 0;
  std::int64_t width = 0;
  const std::int64_t* rows = nullptr;  // sample -> its place in `images`; null: the same number

  // Row b of the batch is sample order[offset + b], or offset + b where `order` is null. Rows from
  // `valid` on are padding: zeros, with label -1.
  const std::int64_t* order = nullptr;
  std::int64_t offset = 0;
  // Where set, read by the kernel where it runs, so that a recorded step moves on: its first row is
  // added to `offset`, and its epoch stands in place of `epoch`.
  const GatherPosition* position = nullptr;
  std::int64_t valid = 0;

  // Augmentation, applied as crop, flip, cutout. Choices depend on (seed, epoch, sample) alone.
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::int32_t pad_crop = 0;     // pixels of black around the image before a crop of its size
  bool flip = false;             // left to right, one time in two
  bool flip_alternates = false;  // `flip` decides once a sample, and the other way in odd epochs
  bool pad_reflects = false;     // the image mirrored at its edges in place of black
  std::int32_t cutout = 0;       // side of the square set to zero after normalisation
  // A random part of the image in place of pad_crop: 10 attempts at a box that fits, then
  // `fallback` = top, left, height, width. Sampled bilinearly, within the box; no mean image.
  const CropTables* crop = nullptr;
  std::int32_t fallback[4] = {0, 0, 0, 0};
  // Factors of brightness, contrast and saturation, uniform in [low, low + span]; 0, 0 = not
  // changed. Without a mean image, for 1 or 3 channels. Contrast moves values from or to the mean
  // grey of the whole output; on CUDA `grey_sums` holds 2 * batch zeros for it.
  float jitter_low[3] = {0, 0, 0};
  float jitter_span[3] = {0, 0, 0};
  std::int64_t* grey_sums = nullptr;
  // Of each sample's normalised values v: (v + a) * b, a uniform in [-value_shift, value_shift), b
  // in [1 - value_scale, 1 + value_scale); 0, 0 = not changed. After the colours, before the
  // cutout. Without a mean image.
  float value_shift = 0;
  float value_scale = 0;

  // Mixup, where `partner` is set: row = w * sample + (1 - w) * partner[sample], w =
  // mix_weight[sample]; each is placed by its own choices and normalised, the blend computed like
  // the normalisation and rounded once. Both arrays have a value a sample, on the device.
  const std::int64_t* partner = nullptr;
  const float* mix_weight = nullptr;

  // Normalisation: (pixel - mean[c]) * inverse_std[c] in the units of the stored pixels, computed
  // in float32, or in float64 where the output is. A difference and a product cannot be fused into
  // one operation: every device and instruction set gives the same bits.
  // `mean_image`: the mean is [C,H,W], taken at the pixel's place in the source image, and the
  // output beside the source is 0 instead of a normalised black.
  bool mean_image = false;
  const double* mean = nullptr;
  const double* inverse_std = nullptr;

  // Output: `batch` rows of [C,h,w], or [h,w,C] where channels_last, contiguous, and their labels.
  // h, w: out_height, out_width, at most the source's; 0: the source's. Without a crop the output
  // is the centre.
  std::int64_t out_height = 0;
  std::int64_t out_width = 0;
  void* out = nullptr;
  std::int64_t* out_labels = nullptr;
  std::int64_t* out_mix_labels = nullptr;  // with mixup: the partners' labels and the rows' w;
  float* out_mix_weight = nullptr;         // -1 and 1 in padding
  ScalarType element = ScalarType::f32;
  bool channels_last = false;
  std::int64_t batch = 0;

  constexpr std::int64_t h() const { return out_height > 0 ? out_height : height; }
  constexpr std::int64_t w() const { return out_width > 0 ? out_width : width; }
  constexpr std::int64_t row_of(std::int64_t sample) const { return rows ? rows[sample] : sample; }
  constexpr std::int64_t sample_of(std::int64_t b) const {
    const std::int64_t at = offset + (position ? position->first : 0) + b;
    return order ? order[at] : at;
  }
  constexpr std::uint32_t drawn_epoch() const {
    return position ? static_cast<std::uint32_t>(position->epoch) : epoch;
  }
  constexpr bool augments() const { return pad_crop > 0 || flip || cutout > 0 || crop != nullptr; }
  // Whether output pixels have another place than the source's.
  constexpr bool moves() const { return augments() || h() != height || w() != width; }
  constexpr bool jitters(int what) const { return jitter_span[what] > 0; }
  constexpr bool jitters() const { return jitters(0) || jitters(1) || jitters(2); }
  constexpr bool jitters_values() const { return value_shift > 0 || value_scale > 0; }
  // Whether pixels are computed one by one instead of copied by rows.
  constexpr bool samples() const { return crop != nullptr || jitters() || jitters_values(); }
  constexpr bool mixes() const { return partner != nullptr; }
};

// A place up to size - 1 beyond [0, size), mirrored at the edge into it; the edge is not repeated.
constexpr std::int64_t reflected(std::int64_t at, std::int64_t size) {
  if (at < 0) return -at;
  return at < size ? at : 2 * (size - 1) - at;
}

// The augmentation of one sample: output pixel (y, x) is source pixel
// (y + shift_y, (flipped ? w-1-x : x) + shift_x), black, 0 or `reflected` outside the source, and
// zero in the output for cut_top <= y < cut_bottom, cut_left <= x < cut_right (clipped by the
// reader).
struct Placement {
  std::int32_t shift_y = 0;
  std::int32_t shift_x = 0;
  bool flipped = false;
  std::int32_t cut_top = 0;
  std::int32_t cut_bottom = 0;
  std::int32_t cut_left = 0;
  std::int32_t cut_right = 0;
  // With `crop`: the box, whose corner is (shift_y, shift_x).
  std::int32_t box_height = 0;
  std::int32_t box_width = 0;
};

constexpr std::int32_t scaled_side(std::int64_t side, std::int64_t factor) {
  return static_cast<std::int32_t>((side * factor + (std::int64_t{1} << 31)) >> 32);
}

// torchvision's RandomResizedCrop.get_params.
constexpr void choose_box(const Gather& gather, std::int64_t sample, Placement& place) {
  constexpr std::uint64_t kAttempts = 10;
  for (std::uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
    const RandomWords words =
        random_words(gather.seed, RandomUse::resized_crop, gather.drawn_epoch(),
                     16 * static_cast<std::uint64_t>(sample) + attempt);
    const std::int64_t side = gather.crop->side[bounded(words.word[0], kCropSteps)];
    const std::uint32_t shape = bounded(words.word[1], kCropSteps);
    place.box_width = scaled_side(side, gather.crop->aspect[shape]);
    place.box_height = scaled_side(side, gather.crop->inverse[shape]);
    if (place.box_width < 1 || place.box_width > gather.width || place.box_height < 1 ||
        place.box_height > gather.height)
      continue;
    const auto rows = static_cast<std::uint32_t>(gather.height - place.box_height + 1);
    const auto columns = static_cast<std::uint32_t>(gather.width - place.box_width + 1);
    place.shift_y = static_cast<std::int32_t>(bounded(words.word[2], rows));
    place.shift_x = static_cast<std::int32_t>(bounded(words.word[3], columns));
    return;
  }
  place.shift_y = gather.fallback[0];
  place.shift_x = gather.fallback[1];
  place.box_height = gather.fallback[2];
  place.box_width = gather.fallback[3];
}

// The cutout's centre is uniform over the image and the square is cut off at its edges
// (DeVries and Taylor, arXiv 1708.04552).
constexpr Placement placement(const Gather& gather, std::int64_t sample) {
  Placement result;
  result.shift_y = static_cast<std::int32_t>((gather.height - gather.h()) / 2);
  result.shift_x = static_cast<std::int32_t>((gather.width - gather.w()) / 2);
  if (!gather.augments()) return result;
  const RandomWords words = random_words(gather.seed, RandomUse::augment, gather.drawn_epoch(),
                                         static_cast<std::uint64_t>(sample));
  // Bounded draws take a word's highest bits: its lowest is free for the flip.
  if (gather.pad_crop > 0) {
    const std::int64_t both = 2 * std::int64_t{gather.pad_crop};
    const auto rows = static_cast<std::uint32_t>(gather.height - gather.h() + both + 1);
    const auto columns = static_cast<std::uint32_t>(gather.width - gather.w() + both + 1);
    result.shift_y = static_cast<std::int32_t>(bounded(words.word[0], rows)) - gather.pad_crop;
    result.shift_x = static_cast<std::int32_t>(bounded(words.word[1], columns)) - gather.pad_crop;
  }
  if (gather.crop != nullptr) choose_box(gather, sample, result);
  if (gather.flip) result.flipped = (words.word[3] & 1u) != 0;
  if (gather.flip && gather.flip_alternates) {
    const RandomWords once =
        random_words(gather.seed, RandomUse::flip, 0, static_cast<std::uint64_t>(sample));
    result.flipped = ((once.word[0] ^ gather.drawn_epoch()) & 1u) != 0;
  }
  if (gather.cutout > 0) {
    result.cut_top =
        static_cast<std::int32_t>(bounded(words.word[2], static_cast<std::uint32_t>(gather.h()))) -
        gather.cutout / 2;
    result.cut_left =
        static_cast<std::int32_t>(bounded(words.word[3], static_cast<std::uint32_t>(gather.w()))) -
        gather.cutout / 2;
    result.cut_bottom = result.cut_top + gather.cutout;
    result.cut_right = result.cut_left + gather.cutout;
  }
  return result;
}

// Fills rows [begin, end) of the batch. Rows are independent: callers split them over threads.
void gather_cpu(const Gather& gather, std::int64_t begin, std::int64_t end);

// Whether this build has CUDA kernels.
bool has_cuda_kernels();
// Fills the whole batch on `stream` (a cudaStream_t) of the current device and returns without
// waiting. Throws Error where the launch fails or the build has no CUDA kernels.
void gather_cuda(const Gather& gather, void* stream);

}  // namespace onecycle::kernels
