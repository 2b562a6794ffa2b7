#include "kernels/batch/gather.h"
#include "kernels/batch/gather_place.h"
#include "kernels/batch/gather_sample.h"
#include "kernels/processor.h"

#include <algorithm>
#include <type_traits>
#include <vector>

namespace onecycle::kernels {

namespace {

// One sample, pixel by pixel: too much work a pixel for a version per processor to be worth it.
template <class In, class Work, class MakeMap>
[[gnu::noinline]] void sample_pixels(const Gather& gather, const In* in, std::int64_t sample,
                                     Work* out, const MakeMap& make_map) {
  const std::int64_t plane = gather.h() * gather.w();
  const Placement place = placement(gather, sample);
  Tint<Work> tint = tint_of<Work>(gather, sample);
  if (gather.jitters(kContrast)) {
    std::int64_t sum = 0;
    for (std::int64_t y = 0; y < gather.h(); ++y)
      for (std::int64_t x = 0; x < gather.w(); ++x)
        sum += grey_units<Work, In>(gather, in, place, tint, y, x);
    tint.pivot = mean_grey<Work, In>(sum, plane);
  }
  std::vector<decltype(make_map(0))> maps;
  for (std::int64_t c = 0; c < gather.channels; ++c) maps.push_back(make_map(c));
  for (std::int64_t y = 0; y < gather.h(); ++y)
    for (std::int64_t x = 0; x < gather.w(); ++x) {
      const std::int64_t at = y * gather.w() + x;
      sample_pixel<Work, In>(gather, in, place, tint, y, x, [&](std::int64_t c, Work value) {
        const bool cut = is_cut(place, y, x);
        out[gather.channels_last ? at * gather.channels + c : c * plane + at] =
            cut ? Work{} : maps[static_cast<std::size_t>(c)](value, 0);
      });
    }
}

// One sample to `out`, in the layout of the batch. `make_map` gives a channel's map.
template <class In, class Work, class MakeMap>
void place_sample(const Gather& gather, std::int64_t sample, Work* out, const MakeMap& make_map) {
  const std::int64_t plane = gather.height * gather.width;
  const std::int64_t out_plane_size = gather.h() * gather.w();
  const std::int64_t stride = gather.channels_last ? gather.channels : 1;
  const In* in =
      static_cast<const In*>(gather.images) + gather.row_of(sample) * gather.channels * plane;
  if (gather.samples()) return sample_pixels(gather, in, sample, out, make_map);
  const Placement place = gather.moves() ? placement(gather, sample) : Placement{};
  for (std::int64_t c = 0; c < gather.channels; ++c) {
    const auto map = make_map(c);
    const In* in_plane = in + c * plane;
    Work* out_plane = out + (gather.channels_last ? c : c * out_plane_size);
    if (gather.moves()) {
      for (std::int64_t y = 0; y < gather.h(); ++y)
        place_row(gather, place, y, in_plane, out_plane, stride, map);
    } else {
      copy_pixels(in_plane, 0, false, out_plane, stride, plane, map);
    }
  }
}

// Two samples' weighted values meet in memory, so that no compiler fuses a product with the sum:
// the same bits on every device.
template <class In, class Work, template <class> class Mean>
void place_mixed(const Gather& gather, std::int64_t sample, Work* out, std::vector<Work>& other) {
  const auto own = static_cast<Work>(gather.mix_weight[sample]);
  const std::int64_t samples[] = {sample, gather.partner[sample]};
  const Work weights[] = {own, 1 - own};
  Work* const places[] = {out, other.data()};
  for (int i = 0; i < 2; ++i)
    place_sample<In>(gather, samples[i], places[i], [&](std::int64_t c) {
      return Weighted<Work, Mean<Work>>{Mean<Work>(gather, c), weights[i]};
    });
  for (std::size_t i = 0; i < other.size(); ++i) out[i] += other[i];
}

// A sample's values, rounded, to place b of the batch.
template <class Work>
void store_rounded(const Gather& gather, std::int64_t b, const Work* values, std::int64_t size) {
  if (gather.element == ScalarType::bf16) {
    BFloat16* out = static_cast<BFloat16*>(gather.out) + b * size;
    for (std::int64_t i = 0; i < size; ++i) out[i] = to_bfloat16(static_cast<float>(values[i]));
  } else {
    Float16* out = static_cast<Float16*>(gather.out) + b * size;
    for (std::int64_t i = 0; i < size; ++i) out[i] = to_float16(static_cast<float>(values[i]));
  }
}

// Computed in Work, which is what the batch holds or is rounded to its 16 bits at last.
template <class In, class Work, template <class> class Mean>
void gather_rows(const Gather& gather, std::int64_t begin, std::int64_t end) {
  const std::int64_t size = gather.channels * gather.h() * gather.w();
  const bool rounds = gather.element == ScalarType::bf16 || gather.element == ScalarType::f16;
  std::vector<Work> other(static_cast<std::size_t>(gather.mixes() ? size : 0));
  std::vector<Work> unrounded(static_cast<std::size_t>(rounds ? size : 0));
  for (std::int64_t b = begin; b < end; ++b) {
    Work* out = rounds ? unrounded.data() : static_cast<Work*>(gather.out) + b * size;
    const bool valid = b < gather.valid;
    const std::int64_t sample = valid ? gather.sample_of(b) : 0;
    if (!valid) {
      std::fill_n(out, size, Work{});
    } else if (gather.mixes()) {
      place_mixed<In, Work, Mean>(gather, sample, out, other);
    } else {
      place_sample<In>(gather, sample, out, [&](std::int64_t c) { return Mean<Work>(gather, c); });
    }
    if (rounds) store_rounded(gather, b, out, size);
    gather.out_labels[b] = valid ? gather.labels[sample] : -1;
    if (gather.mixes()) {
      gather.out_mix_labels[b] = valid ? gather.labels[gather.partner[sample]] : -1;
      gather.out_mix_weight[b] = valid ? gather.mix_weight[sample] : 1;
    }
  }
}

ONECYCLE_FOR_AVX512 void gather_bytes_avx512(const Gather& gather, std::int64_t begin,
                                             std::int64_t end) {
  gather_rows<std::uint8_t, float, ChannelMean>(gather, begin, end);
}

// For AVX-512 where bytes become what networks train in as a rule: each version costs the compiler
// time.
template <class In, class Work>
void gather_as(const Gather& gather, std::int64_t begin, std::int64_t end) {
  if (gather.mean_image) return gather_rows<In, Work, ImageMean>(gather, begin, end);
  if constexpr (std::is_same_v<In, std::uint8_t> && std::is_same_v<Work, float>) {
    static const bool wide = has_avx512();
    if (wide) return gather_bytes_avx512(gather, begin, end);
  }
  gather_rows<In, Work, ChannelMean>(gather, begin, end);
}

template <class In>
void gather_from(const Gather& gather, std::int64_t begin, std::int64_t end) {
  if (gather.element == ScalarType::f64)
    gather_as<In, double>(gather, begin, end);
  else
    gather_as<In, float>(gather, begin, end);
}

}  // namespace

void gather_cpu(const Gather& gather, std::int64_t begin, std::int64_t end) {
  if (gather.pixel == Pixel::uint8)
    gather_from<std::uint8_t>(gather, begin, end);
  else
    gather_from<float>(gather, begin, end);
}

}  // namespace onecycle::kernels
