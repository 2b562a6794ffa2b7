#include "kernels/batch/gather.h"
#include "kernels/batch/gather_place.h"
#include "kernels/batch/gather_sample.h"
#include "kernels/processor.h"

#include <algorithm>
#include <vector>

namespace onecycle::kernels {

namespace {

// One sample, pixel by pixel.
template <class In, class Out, class MakeMap>
void sample_pixels(const Gather& gather, const In* in, std::int64_t sample, Out* out,
                   const MakeMap& make_map) {
  using Work = WorkOf<Out>;
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
            cut ? Out{} : rounded<Out>(maps[static_cast<std::size_t>(c)](value, 0));
      });
    }
}

// One sample to `out`, in the layout of the batch. `make_map` gives a channel's map.
template <class In, class Out, class MakeMap>
void place_sample(const Gather& gather, std::int64_t sample, Out* out, const MakeMap& make_map) {
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
    Out* out_plane = out + (gather.channels_last ? c : c * out_plane_size);
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
template <class In, class Out, template <class> class Mean>
void gather_rows(const Gather& gather, std::int64_t begin, std::int64_t end) {
  using Work = WorkOf<Out>;
  const std::int64_t size = gather.channels * gather.h() * gather.w();
  std::vector<Work> own(static_cast<std::size_t>(gather.mixes() ? size : 0)), other = own;
  const auto place_weighted = [&](std::int64_t sample, Work weight, std::vector<Work>& values) {
    place_sample<In>(gather, sample, values.data(), [&](std::int64_t c) {
      return Weighted<Work, Mean<Work>>{Mean<Work>(gather, c), weight};
    });
  };
  for (std::int64_t b = begin; b < end; ++b) {
    Out* out = static_cast<Out*>(gather.out) + b * size;
    if (b >= gather.valid) {
      std::fill_n(out, size, Out{});
      gather.out_labels[b] = -1;
      if (gather.mixes()) {
        gather.out_mix_labels[b] = -1;
        gather.out_mix_weight[b] = 1;
      }
      continue;
    }
    const std::int64_t sample = gather.sample_of(b);
    gather.out_labels[b] = gather.labels[sample];
    if (!gather.mixes()) {
      place_sample<In>(gather, sample, out, [&](std::int64_t c) { return Mean<Work>(gather, c); });
      continue;
    }
    const auto weight = static_cast<Work>(gather.mix_weight[sample]);
    place_weighted(sample, weight, own);
    place_weighted(gather.partner[sample], 1 - weight, other);
    for (std::int64_t i = 0; i < size; ++i) {
      const auto k = static_cast<std::size_t>(i);
      out[i] = rounded<Out>(own[k] + other[k]);
    }
    gather.out_mix_labels[b] = gather.labels[gather.partner[sample]];
    gather.out_mix_weight[b] = gather.mix_weight[sample];
  }
}

template <class In, class Out, template <class> class Mean>
ONECYCLE_FOR_AVX512 void gather_rows_avx512(const Gather& gather, std::int64_t begin,
                                            std::int64_t end) {
  gather_rows<In, Out, Mean>(gather, begin, end);
}

// For AVX-512 where bytes become what networks train in as a rule: each version costs the compiler
// time.
template <class In, class Out>
void gather_as(const Gather& gather, std::int64_t begin, std::int64_t end) {
  if (gather.mean_image) return gather_rows<In, Out, ImageMean>(gather, begin, end);
  if constexpr (std::is_same_v<In, std::uint8_t> && sizeof(Out) <= sizeof(float)) {
    static const bool wide = has_avx512();
    if (wide) return gather_rows_avx512<In, Out, ChannelMean>(gather, begin, end);
  }
  gather_rows<In, Out, ChannelMean>(gather, begin, end);
}

template <class In>
void gather_from(const Gather& gather, std::int64_t begin, std::int64_t end) {
  switch (gather.element) {
    case ScalarType::f32:
      return gather_as<In, float>(gather, begin, end);
    case ScalarType::bf16:
      return gather_as<In, BFloat16>(gather, begin, end);
    case ScalarType::f16:
      return gather_as<In, Float16>(gather, begin, end);
    case ScalarType::f64:
      return gather_as<In, double>(gather, begin, end);
  }
}

}  // namespace

void gather_cpu(const Gather& gather, std::int64_t begin, std::int64_t end) {
  if (gather.pixel == Pixel::uint8)
    gather_from<std::uint8_t>(gather, begin, end);
  else
    gather_from<float>(gather, begin, end);
}

}  // namespace onecycle::kernels
