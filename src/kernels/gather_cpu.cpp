#include "kernels/gather.h"

#include <algorithm>
#include <type_traits>

namespace onecycle::kernels {

namespace {

template <class Out, class Work>
Out rounded(Work value) {
  if constexpr (std::is_same_v<Out, BFloat16>)
    return to_bfloat16(value);
  else
    return value;
}

// One channel's pixel -> output value.
template <class Out>
struct Normaliser {
  using Work = std::conditional_t<std::is_same_v<Out, double>, double, float>;
  Work mean;
  Work inverse_std;

  Normaliser(const Gather& gather, std::int64_t channel)
      : mean(static_cast<Work>(gather.mean[channel])),
        inverse_std(static_cast<Work>(gather.inverse_std[channel])) {}

  template <class In>
  Out operator()(In pixel) const {
    return rounded<Out>((static_cast<Work>(pixel) - mean) * inverse_std);
  }
};

// count pixels from `in`, forwards or backwards, to every stride-th element of `out`.
template <class In, class Out>
void copy_pixels(const In* __restrict in, bool backwards, Out* __restrict out, std::int64_t stride,
                 std::int64_t count, Normaliser<Out> normalise) {
  if (backwards) {
    for (std::int64_t i = 0; i < count; ++i) out[i * stride] = normalise(in[-i]);
  } else if (stride == 1) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = normalise(in[i]);
  } else {
    for (std::int64_t i = 0; i < count; ++i) out[i * stride] = normalise(in[i]);
  }
}

template <class Out>
void fill_pixels(Out* out, std::int64_t stride, std::int64_t count, Out value) {
  for (std::int64_t i = 0; i < count; ++i) out[i * stride] = value;
}

// Row y of one channel under `place`; `in` and `out` are the channel's first elements.
template <class In, class Out>
void place_row(const Gather& gather, const Placement& place, std::int64_t y, const In* in, Out* out,
               std::int64_t stride, Normaliser<Out> normalise) {
  const std::int64_t width = gather.width;
  const std::int64_t source_y = y + place.shift_y;
  const Out black = normalise(In{0});
  Out* row = out + y * width * stride;
  // Output columns [first, last) have a source pixel.
  std::int64_t first = std::clamp<std::int64_t>(-place.shift_x, 0, width);
  std::int64_t last = std::clamp<std::int64_t>(width - place.shift_x, 0, width);
  if (place.flipped) {
    const std::int64_t mirrored = width - last;
    last = width - first;
    first = mirrored;
  }
  if (source_y < 0 || source_y >= gather.height || first >= last) {
    fill_pixels(row, stride, width, black);
  } else {
    const std::int64_t column = (place.flipped ? width - 1 - first : first) + place.shift_x;
    fill_pixels(row, stride, first, black);
    copy_pixels(in + source_y * width + column, place.flipped, row + first * stride, stride,
                last - first, normalise);
    fill_pixels(row + last * stride, stride, width - last, black);
  }
  if (y >= place.cut_top && y < place.cut_bottom) {
    const std::int64_t left = std::clamp<std::int64_t>(place.cut_left, 0, width);
    const std::int64_t right = std::clamp<std::int64_t>(place.cut_right, 0, width);
    fill_pixels(row + left * stride, stride, right - left, Out{});
  }
}

template <class In, class Out>
void gather_rows(const Gather& gather, std::int64_t begin, std::int64_t end) {
  const std::int64_t plane = gather.height * gather.width;
  const std::int64_t size = gather.channels * plane;
  const std::int64_t stride = gather.channels_last ? gather.channels : 1;
  for (std::int64_t b = begin; b < end; ++b) {
    Out* out = static_cast<Out*>(gather.out) + b * size;
    if (b >= gather.valid) {
      std::fill_n(out, size, Out{});
      gather.out_labels[b] = -1;
      continue;
    }
    const std::int64_t at = gather.offset + b;
    const std::int64_t sample = gather.order ? gather.order[at] : at;
    const In* in = static_cast<const In*>(gather.images) + sample * size;
    const Placement place = gather.augments() ? placement(gather, sample) : Placement{};
    for (std::int64_t c = 0; c < gather.channels; ++c) {
      const Normaliser<Out> normalise(gather, c);
      const In* in_plane = in + c * plane;
      Out* out_plane = out + (gather.channels_last ? c : c * plane);
      if (gather.augments()) {
        for (std::int64_t y = 0; y < gather.height; ++y)
          place_row(gather, place, y, in_plane, out_plane, stride, normalise);
      } else {
        copy_pixels(in_plane, false, out_plane, stride, plane, normalise);
      }
    }
    gather.out_labels[b] = gather.labels[sample];
  }
}

template <class In>
void gather_from(const Gather& gather, std::int64_t begin, std::int64_t end) {
  switch (gather.element) {
    case ScalarType::f32:
      return gather_rows<In, float>(gather, begin, end);
    case ScalarType::bf16:
      return gather_rows<In, BFloat16>(gather, begin, end);
    case ScalarType::f64:
      return gather_rows<In, double>(gather, begin, end);
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
