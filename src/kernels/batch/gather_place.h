#pragma once

// One sample under its placement, on the CPU: pixels through a map, channel by channel.

#include "kernels/batch/gather.h"

#include <algorithm>

namespace onecycle::kernels {

// Maps of one channel: the pixel at `index` of the source's plane -> normalised value.
template <class Work>
struct ChannelMean {
  Work mean;
  Work inverse_std;

  ChannelMean(const Gather& gather, std::int64_t channel)
      : mean(static_cast<Work>(gather.mean[channel])),
        inverse_std(static_cast<Work>(gather.inverse_std[channel])) {}

  Work operator()(Work pixel, std::int64_t) const { return (pixel - mean) * inverse_std; }
  Work outside() const { return (0 - mean) * inverse_std; }
};

template <class Work>
struct ImageMean {
  const double* mean;
  Work inverse_std;

  ImageMean(const Gather& gather, std::int64_t channel)
      : mean(gather.mean + channel * gather.height * gather.width),
        inverse_std(static_cast<Work>(gather.inverse_std[channel])) {}

  Work operator()(Work pixel, std::int64_t index) const {
    return (pixel - static_cast<Work>(mean[index])) * inverse_std;
  }
  Work outside() const { return 0; }
};

template <class Work, class Map>
struct Weighted {
  Map map;
  Work weight;

  Work operator()(Work pixel, std::int64_t index) const { return map(pixel, index) * weight; }
  Work outside() const { return map.outside() * weight; }
};

// count pixels of `plane` from `index`, forwards or backwards, to every stride-th element of `out`.
template <class In, class Out, class Map>
void copy_pixels(const In* __restrict plane, std::int64_t index, bool backwards,
                 Out* __restrict out, std::int64_t stride, std::int64_t count, const Map& map) {
  using Work = WorkOf<Out>;
  const auto value = [&](std::int64_t from) {
    return rounded<Out>(map(static_cast<Work>(plane[from]), from));
  };
  if (backwards) {
    for (std::int64_t i = 0; i < count; ++i) out[i * stride] = value(index - i);
  } else if (stride == 1) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = value(index + i);
  } else {
    for (std::int64_t i = 0; i < count; ++i) out[i * stride] = value(index + i);
  }
}

template <class Out>
void fill_pixels(Out* out, std::int64_t stride, std::int64_t count, Out value) {
  for (std::int64_t i = 0; i < count; ++i) out[i * stride] = value;
}

// Output columns [from, to) from a row of the source that is mirrored at its edges; `index`: where
// the row begins in its plane.
template <class In, class Out, class Map>
void reflect_pixels(const Gather& gather, const Placement& place, const In* source,
                    std::int64_t index, Out* row, std::int64_t stride, std::int64_t from,
                    std::int64_t to, const Map& map) {
  for (std::int64_t x = from; x < to; ++x) {
    const std::int64_t column = (place.flipped ? gather.w() - 1 - x : x) + place.shift_x;
    const std::int64_t at = reflected(column, gather.width);
    row[x * stride] = rounded<Out>(map(static_cast<WorkOf<Out>>(source[at]), index + at));
  }
}

// Row y of one channel under `place`; `in` and `out` are the channel's first elements.
template <class In, class Out, class Map>
void place_row(const Gather& gather, const Placement& place, std::int64_t y, const In* in, Out* out,
               std::int64_t stride, const Map& map) {
  const std::int64_t width = gather.w();
  const std::int64_t source_y =
      gather.pad_reflects ? reflected(y + place.shift_y, gather.height) : y + place.shift_y;
  Out* row = out + y * width * stride;
  const auto fill_beside = [&](std::int64_t from, std::int64_t to) {
    if (gather.pad_reflects) {
      reflect_pixels(gather, place, in + source_y * gather.width, source_y * gather.width, row,
                     stride, from, to, map);
    } else {
      fill_pixels(row + from * stride, stride, to - from, rounded<Out>(map.outside()));
    }
  };
  // Output columns [first, last) have a source pixel.
  std::int64_t first = std::clamp<std::int64_t>(-place.shift_x, 0, width);
  std::int64_t last = std::clamp<std::int64_t>(gather.width - place.shift_x, 0, width);
  if (place.flipped) {
    const std::int64_t mirrored = width - last;
    last = width - first;
    first = mirrored;
  }
  if (source_y < 0 || source_y >= gather.height || first >= last) {
    fill_beside(0, width);
  } else {
    const std::int64_t column = (place.flipped ? width - 1 - first : first) + place.shift_x;
    fill_beside(0, first);
    copy_pixels(in, source_y * gather.width + column, place.flipped, row + first * stride, stride,
                last - first, map);
    fill_beside(last, width);
  }
  if (y >= place.cut_top && y < place.cut_bottom) {
    const std::int64_t left = std::clamp<std::int64_t>(place.cut_left, 0, width);
    const std::int64_t right = std::clamp<std::int64_t>(place.cut_right, 0, width);
    fill_pixels(row + left * stride, stride, right - left, Out{});
  }
}

}  // namespace onecycle::kernels
