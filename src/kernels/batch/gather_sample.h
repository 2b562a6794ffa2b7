#pragma once

// Output pixels one by one, for the CPU and for CUDA: sampled from a box of the source, and with
// changed colours or values. Sums of products are rounded after each operation, or exact in
// integers: every device gives the same bits. C++17.

#include "kernels/batch/gather.h"

namespace onecycle::kernels {

#ifdef __CUDA_ARCH__
__device__ inline float times(float a, float b) { return __fmul_rn(a, b); }
__device__ inline double times(double a, double b) { return __dmul_rn(a, b); }
__device__ inline float plus(float a, float b) { return __fadd_rn(a, b); }
__device__ inline double plus(double a, double b) { return __dadd_rn(a, b); }
#else
// Compiled with -ffp-contract=off.
inline float times(float a, float b) { return a * b; }
inline double times(double a, double b) { return a * b; }
inline float plus(float a, float b) { return a + b; }
inline double plus(double a, double b) { return a + b; }
#endif

template <class Work>
ONECYCLE_HOST_DEVICE Work mixed(Work a, Work b, Work share_of_a) {
  return plus(times(a, share_of_a), times(b, 1 - share_of_a));
}

// ---- Sampling ----------------------------------------------------------------------------------

constexpr std::int64_t kPixelUnits = 4096;  // a source position is a multiple of 1/4096 pixel

// Two neighbours along one axis of a box, and the share of the second in kPixelUnits.
struct Taps {
  std::int64_t first;
  std::int64_t second;
  std::uint32_t share;
};

// Centres of pixels on centres of pixels, edges repeated, as ATen and Pillow have it.
ONECYCLE_HOST_DEVICE inline Taps taps_of(std::int64_t at, std::int64_t size, std::int64_t box) {
  std::int64_t from = (2 * at + 1) * box * kPixelUnits / (2 * size) - kPixelUnits / 2;
  if (from < 0) from = 0;
  const std::int64_t first = from / kPixelUnits;
  return {first, first + 1 < box ? first + 1 : first,
          static_cast<std::uint32_t>(from % kPixelUnits)};
}

template <class Work>
ONECYCLE_HOST_DEVICE Work between(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d,
                                  std::uint32_t across, std::uint32_t down) {
  constexpr std::uint32_t kOne = kPixelUnits;
  const std::uint32_t top = a * (kOne - across) + b * across;
  const std::uint32_t bottom = c * (kOne - across) + d * across;
  return static_cast<Work>(top * (kOne - down) + bottom * down) *
         static_cast<Work>(1.0 / (kPixelUnits * kPixelUnits));
}

template <class Work>
ONECYCLE_HOST_DEVICE Work between(float a, float b, float c, float d, std::uint32_t across,
                                  std::uint32_t down) {
  const Work right = static_cast<Work>(across) / kPixelUnits;
  const Work below = static_cast<Work>(down) / kPixelUnits;
  const Work top = mixed(static_cast<Work>(b), static_cast<Work>(a), right);
  const Work bottom = mixed(static_cast<Work>(d), static_cast<Work>(c), right);
  return mixed(bottom, top, below);
}

// The source's value at output pixel (y, x); `in`: the channel's plane.
template <class Work, class In>
ONECYCLE_HOST_DEVICE Work source_value(const Gather& gather, const In* in, const Placement& place,
                                       std::int64_t y, std::int64_t x) {
  const std::int64_t column = place.flipped ? gather.w() - 1 - x : x;
  if (gather.crop == nullptr) {
    std::int64_t from_y = y + place.shift_y;
    std::int64_t from_x = column + place.shift_x;
    if (gather.pad_reflects) {
      from_y = reflected(from_y, gather.height);
      from_x = reflected(from_x, gather.width);
    }
    if (from_y < 0 || from_y >= gather.height || from_x < 0 || from_x >= gather.width) return 0;
    return static_cast<Work>(in[from_y * gather.width + from_x]);
  }
  const Taps rows = taps_of(y, gather.h(), place.box_height);
  const Taps columns = taps_of(column, gather.w(), place.box_width);
  const In* upper = in + (place.shift_y + rows.first) * gather.width + place.shift_x;
  const In* lower = in + (place.shift_y + rows.second) * gather.width + place.shift_x;
  return between<Work>(upper[columns.first], upper[columns.second], lower[columns.first],
                       lower[columns.second], columns.share, rows.share);
}

// ---- Colours -----------------------------------------------------------------------------------

template <class Work>
struct Tint {
  Work factor[3] = {1, 1, 1};  // by Jitter
  Work pivot = 0;              // mean grey after the change of brightness
  Work shift = 0;              // of normalised values, before
  Work scale = 1;              // this
};

// Of a random word, in [0, 1).
ONECYCLE_HOST_DEVICE inline float uniform_of(std::uint32_t word) {
  return static_cast<float>(word >> 8) * (1.0f / (1 << 24));
}

// The stored value of channel c that is normalised to (v + shift) * scale, where `stored` would be
// to v.
template <class Work>
ONECYCLE_HOST_DEVICE Work revalued(const Gather& gather, const Tint<Work>& tint, std::int64_t c,
                                   Work stored) {
  if (!gather.jitters_values()) return stored;
  const auto mean = static_cast<Work>(gather.mean[c]);
  const Work shift = tint.shift / static_cast<Work>(gather.inverse_std[c]);
  return plus(mean, times(plus(plus(stored, -mean), shift), tint.scale));
}

template <class Work>
ONECYCLE_HOST_DEVICE Tint<Work> tint_of(const Gather& gather, std::int64_t sample) {
  Tint<Work> tint;
  const RandomWords words = random_words(gather.seed, RandomUse::colour, gather.drawn_epoch(),
                                         static_cast<std::uint64_t>(sample));
  for (int i = 0; i < 3; ++i) {
    if (gather.jitters(i))
      tint.factor[i] =
          plus(gather.jitter_low[i], times(gather.jitter_span[i], uniform_of(words.word[i])));
  }
  if (gather.jitters_values()) {
    const RandomWords own = random_words(gather.seed, RandomUse::value, gather.drawn_epoch(),
                                         static_cast<std::uint64_t>(sample));
    const float span = times(2.0f, gather.value_shift);
    tint.shift = plus(-gather.value_shift, times(span, uniform_of(own.word[0])));
    const float factors = times(2.0f, gather.value_scale);
    tint.scale = plus(plus(1.0f, -gather.value_scale), times(factors, uniform_of(own.word[1])));
  }
  return tint;
}

template <class In>
constexpr float kWhite = 255;
template <>
inline constexpr float kWhite<float> = 1;

template <class Work, class In>
ONECYCLE_HOST_DEVICE Work clamped(Work value) {
  const Work white = kWhite<In>;
  return value < 0 ? Work(0) : value > white ? white : value;
}

// ITU-R 601 luma.
template <class Work>
ONECYCLE_HOST_DEVICE Work grey_of(const Work* colour, std::int64_t channels) {
  if (channels == 1) return colour[0];
  const Work red = times(colour[0], static_cast<Work>(0.299));
  const Work green = times(colour[1], static_cast<Work>(0.587));
  return plus(plus(red, green), times(colour[2], static_cast<Work>(0.114)));
}

template <class Work, class In>
ONECYCLE_HOST_DEVICE void brightened(const Gather& gather, const In* in, const Placement& place,
                                     const Tint<Work>& tint, std::int64_t y, std::int64_t x,
                                     Work* colour) {
  const std::int64_t plane = gather.height * gather.width;
  for (std::int64_t c = 0; c < gather.channels; ++c)
    colour[c] = clamped<Work, In>(
        times(source_value<Work>(gather, in + c * plane, place, y, x), tint.factor[kBrightness]));
}

// A pixel's grey in units of 1/2^20 of the range from 0 to 1, or 1/2^12 grey level: sums of it are
// exact in any order.
template <class In>
constexpr float kGreyUnits = 1 << 12;
template <>
inline constexpr float kGreyUnits<float> = 1 << 20;

template <class Work, class In>
ONECYCLE_HOST_DEVICE std::int64_t grey_units(const Gather& gather, const In* in,
                                             const Placement& place, const Tint<Work>& tint,
                                             std::int64_t y, std::int64_t x) {
  Work colour[3];
  brightened(gather, in, place, tint, y, x, colour);
  return static_cast<std::int64_t>(grey_of(colour, gather.channels) *
                                   static_cast<Work>(kGreyUnits<In>));
}

template <class Work, class In>
ONECYCLE_HOST_DEVICE Work mean_grey(std::int64_t sum, std::int64_t num_pixels) {
  return static_cast<Work>(static_cast<double>(sum) / static_cast<double>(num_pixels) /
                           static_cast<double>(kGreyUnits<In>));
}

// Calls put(channel, value) for output pixel (y, x) of the sample whose first plane is `in`.
template <class Work, class In, class Put>
ONECYCLE_HOST_DEVICE void sample_pixel(const Gather& gather, const In* in, const Placement& place,
                                       const Tint<Work>& tint, std::int64_t y, std::int64_t x,
                                       const Put& put) {
  if (!gather.jitters()) {
    const std::int64_t plane = gather.height * gather.width;
    for (std::int64_t c = 0; c < gather.channels; ++c)
      put(c, revalued(gather, tint, c, source_value<Work>(gather, in + c * plane, place, y, x)));
    return;
  }
  Work colour[3];
  brightened(gather, in, place, tint, y, x, colour);
  if (gather.jitters(kContrast))
    for (std::int64_t c = 0; c < gather.channels; ++c)
      colour[c] = clamped<Work, In>(mixed(colour[c], tint.pivot, tint.factor[kContrast]));
  if (gather.jitters(kSaturation)) {
    const Work grey = grey_of(colour, gather.channels);
    for (std::int64_t c = 0; c < gather.channels; ++c)
      colour[c] = clamped<Work, In>(mixed(colour[c], grey, tint.factor[kSaturation]));
  }
  for (std::int64_t c = 0; c < gather.channels; ++c) put(c, revalued(gather, tint, c, colour[c]));
}

ONECYCLE_HOST_DEVICE inline bool is_cut(const Placement& place, std::int64_t y, std::int64_t x) {
  return y >= place.cut_top && y < place.cut_bottom && x >= place.cut_left && x < place.cut_right;
}

}  // namespace onecycle::kernels
